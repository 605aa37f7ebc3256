// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.djl;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.nn.Parameter;
import ai.djl.util.Pair;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Parameters;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/**
 * Which parameter of DJL's network is which of the model's: those that are named, then all others in the order in which
 * the networks have them, where shapes and kinds must agree.
 */
record ParameterPairs(List<ParameterPair> pairs) {

    /**
     * Two that are one.
     *
     * @param name the model's name
     * @param theirName DJL's
     * @param trained whether derivatives are taken by it
     */
    record ParameterPair(String name, String theirName, Parameter theirs, boolean trained) {

        /** Both names. */
        @Override
        public String toString() {
            return "'%s' (DJL's '%s')".formatted(name, theirName);
        }
    }

    /**
     * Finds what belongs together.
     *
     * @param listed DJL's, with names; one that is used several times may stand there as often
     * @param named DJL's names by the model's, for those that are not in order
     * @throws BackpackException with everything that does not fit
     */
    static ParameterPairs match(Model model, List<Pair<String, Parameter>> listed, Map<String, String> named) {
        Map<String, Parameter> theirs = distinct(listed);
        List<String> ours = ours(model.parameters());
        Problems problems = new Problems();
        named.forEach((own, their) -> {
            requireKnown(own, ours, "The model", problems);
            requireKnown(their, List.copyOf(theirs.keySet()), "DJL's network", problems);
        });
        if (Set.copyOf(named.values()).size() < named.size()) {
            problems.add(
                    DjlProblems.UNMATCHED_PARAMETERS,
                    "Two parameters of the model are said to be the same one of DJL's: %s. Tie them in the model, or name another."
                            .formatted(named));
        }
        problems.throwIfAny();
        List<String> restOfTheirs = new ArrayList<>(theirs.keySet());
        restOfTheirs.removeAll(named.values());
        List<String> restOfOurs = new ArrayList<>(ours);
        restOfOurs.removeAll(named.keySet());
        if (restOfOurs.size() != restOfTheirs.size()) {
            throw new BackpackException(
                    DjlProblems.UNMATCHED_PARAMETERS,
                    "The model has %d parameters and buffers, DJL's network has %d. In order, the model: %s. DJL: %s. Give the model DJL's layers."
                            .formatted(
                                    restOfOurs.size() + named.size(),
                                    restOfTheirs.size() + named.size(),
                                    listed(
                                            ours,
                                            name -> model.parameters()
                                                    .spec(name)
                                                    .shape()
                                                    .toString()),
                                    listed(
                                            theirs.keySet(),
                                            name -> shape(theirs, name).toString())));
        }
        Map<String, String> all = new LinkedHashMap<>(named);
        for (int i = 0; i < restOfOurs.size(); i++) {
            all.put(restOfOurs.get(i), restOfTheirs.get(i));
        }
        Set<String> trained = new HashSet<>(model.parameters().trainable());
        List<ParameterPair> pairs = new ArrayList<>();
        for (String own : ours) {
            String their = String.valueOf(all.get(own));
            ParameterPair pair = new ParameterPair(own, their, parameter(theirs, their), trained.contains(own));
            check(pair, model.parameters().spec(own), problems);
            pairs.add(pair);
        }
        problems.throwIfAny();
        return new ParameterPairs(List.copyOf(pairs));
    }

    private static Map<String, Parameter> distinct(List<Pair<String, Parameter>> listed) {
        Map<String, Parameter> distinct = new LinkedHashMap<>();
        Set<String> ids = new HashSet<>();
        for (Pair<String, Parameter> each : listed) {
            if (ids.add(each.getValue().getId())) {
                distinct.put(each.getKey(), each.getValue());
            }
        }
        return distinct;
    }

    /** Counters of batches, which DJL does not have, and which change no number here, are left out. */
    private static List<String> ours(Parameters parameters) {
        return parameters.names().stream()
                .filter(name -> !parameters.spec(name).isInteger())
                .toList();
    }

    private static void requireKnown(String name, List<String> names, String owner, Problems problems) {
        if (!names.contains(name)) {
            problems.add(
                    DjlProblems.UNMATCHED_PARAMETERS,
                    "%s has no parameter '%s'. There are: %s.".formatted(owner, name, String.join(", ", names)));
        }
    }

    private static void check(ParameterPair pair, ParameterSpec spec, Problems problems) {
        Shape shape = Shape.of(pair.theirs.getArray().getShape().getShape());
        if (!spec.shape().equals(shape)) {
            problems.add(
                    DjlProblems.UNMATCHED_PARAMETERS,
                    "Parameter %s has shape %s in the model and %s in DJL's network. Correct the layer, or name the parameters that come in another order with parameters(Map.of(\"%s\", …))."
                            .formatted(pair, spec.shape(), shape, pair.name));
        } else if (spec.trainable() == isBuffer(pair.theirs)) {
            problems.add(
                    DjlProblems.UNMATCHED_PARAMETERS,
                    "%s is a %s in the model and a %s in DJL's network. Correct the layer, or name what comes in another order."
                            .formatted(
                                    pair,
                                    spec.trainable() ? "parameter" : "buffer",
                                    spec.trainable() ? "buffer" : "parameter"));
        } else if (spec.trainable() && pair.trained != pair.theirs.requiresGradient()) {
            problems.add(
                    DjlProblems.UNMATCHED_PARAMETERS,
                    "Parameter %s is %s. Freeze it in both or in none: \"requires_grad\": false in the model, freeze(true) of the parameter in DJL."
                            .formatted(
                                    pair,
                                    pair.trained
                                            ? "frozen in DJL's network and not in the model"
                                            : "frozen in the model and not in DJL's network"));
        }
    }

    private static boolean isBuffer(Parameter parameter) {
        return parameter.getType() == Parameter.Type.RUNNING_MEAN || parameter.getType() == Parameter.Type.RUNNING_VAR;
    }

    private static String listed(Iterable<String> names, UnaryOperator<String> shape) {
        List<String> parts = new ArrayList<>();
        names.forEach(name -> parts.add(name + " " + shape.apply(name)));
        return parts.stream().collect(Collectors.joining(", "));
    }

    private static Parameter parameter(Map<String, Parameter> parameters, String name) {
        Parameter found = parameters.get(name);
        if (found == null) {
            throw new IllegalStateException(name);
        }
        return found;
    }

    private static Shape shape(Map<String, Parameter> parameters, String name) {
        return Shape.of(parameter(parameters, name).getArray().getShape().getShape());
    }

    /**
     * Copies DJL's numbers into a model.
     *
     * @param device on which DJL trains
     */
    void copyTo(Model model, Device device) {
        for (ParameterPair pair : pairs) {
            NDArray array = pair.theirs.getArray();
            if (!array.getDevice().equals(device)) {
                throw new BackpackException(
                        DjlProblems.SEVERAL_DEVICES,
                        "Parameter %s is on %s, but DJL trains a copy of it on %s, which is not to be seen from outside. Make the DJL model on the device that trains."
                                .formatted(pair, array.getDevice(), device));
            }
            model.parameters().set(pair.name, tensor -> ArrayReader.copy(array, tensor, "Parameter " + pair));
        }
    }
}
