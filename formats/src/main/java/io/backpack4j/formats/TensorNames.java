// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.NodeDescription;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.Suggestions;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Compares the names that a data file has with those that a model needs. */
final class TensorNames {

    static final String TARGET = "target";
    static final String VECTORS = "vec/";
    static final String OPERANDS = "operand/";

    /** What PyTorch's batch norms count; nothing depends on it. */
    private static final String BATCH_COUNTER = ".num_batches_tracked";

    private static final Set<String> RESULTS = Set.of("loss", "output", "loss_batch");
    private static final int MOST_NAMES = 20;

    private final String file;
    private final Set<String> given;
    private final List<String> inputs;
    private final Set<String> parameters;
    private final Map<String, String> ties;

    /** Names that differ from the parameters' by what stands in front of them. */
    private final Optional<Prefix> prefix;

    /**
     * A prefix that all missing parameters have in the file, or have in the model.
     *
     * @param text the prefix, which ends in a dot
     * @param inFile whether it is the file that has it
     * @param missing the parameters
     */
    private record Prefix(String text, boolean inFile, Set<String> missing) {

        String inFile(String parameter) {
            return inFile ? text + parameter : parameter.substring(text.length());
        }
    }

    /** @param ties parameters that are another's: own to owner's full name */
    TensorNames(String file, Set<String> given, List<String> inputs, Map<String, String> ties, Set<String> parameters) {
        this.file = file;
        this.given = given;
        this.inputs = inputs;
        this.parameters = parameters;
        this.ties = ties;
        this.prefix = prefix();
    }

    /** Parameters that are another's: own to owner's full name. */
    static Map<String, String> ties(ModelDescription description) {
        Map<String, String> ties = new LinkedHashMap<>();
        for (NodeDescription node : description.nodes()) {
            node.ties().forEach((own, owner) -> ties.put(node.name() + "." + own, owner));
        }
        return ties;
    }

    /** Parameters that are another's, of a graph. */
    static Map<String, String> ties(Graph graph) {
        Map<String, String> ties = new LinkedHashMap<>();
        for (Graph.Node node : graph.nodes()) {
            node.ties().forEach((own, owner) -> ties.put(node.name() + "." + own, owner));
        }
        return ties;
    }

    static boolean isResult(String tensor) {
        return RESULTS.contains(tensor);
    }

    /** Whether it is an input, a parameter or a buffer, or should be. */
    static boolean isGiven(String tensor) {
        return !RESULTS.contains(tensor)
                && !tensor.contains("/")
                && !tensor.equals(TARGET)
                && !tensor.endsWith(BATCH_COUNTER);
    }

    /** Whether a missing parameter is reported with all others under the same prefix. */
    boolean isPrefixed(String parameter) {
        return prefix.filter(found -> found.missing().contains(parameter)).isPresent();
    }

    /** Reports tensors that nothing reads, though somebody may think so, and parameters under a prefix. */
    void report(Problems problems) {
        prefix.ifPresent(found -> problems.add(FormatProblems.MISSING_TENSOR, prefixed(found)));
        reportUnknown(problems);
        reportVectors(problems);
    }

    /** Reports the same of a file whose model brings its own parameters. */
    void reportBesideModel(Problems problems) {
        List<String> surplus = given.stream()
                .filter(tensor -> isGiven(tensor) && !inputs.contains(tensor))
                .toList();
        if (!surplus.isEmpty()) {
            problems.add(
                    FormatProblems.UNKNOWN_TENSOR,
                    "File %s has tensors beside the inputs %s and the target, but the model's own file has the parameters: %s. Remove them."
                            .formatted(Failures.quoted(file), listed(inputs), listed(surplus)));
        }
        reportVectors(problems);
    }

    private void reportUnknown(Problems problems) {
        Set<String> known = new TreeSet<>(parameters);
        known.addAll(inputs);
        known.add(TARGET);
        Set<String> expected = new HashSet<>(known);
        expected.addAll(ties.keySet());
        prefix.ifPresent(found -> found.missing().forEach(parameter -> expected.add(found.inFile(parameter))));
        prefix.filter(Prefix::inFile)
                .ifPresent(found -> ties.keySet().forEach(parameter -> expected.add(found.inFile(parameter))));
        List<String> unknown = new ArrayList<>();
        for (String tensor : given) {
            if (isGiven(tensor) && !expected.contains(tensor)) {
                unknown.add(tensor);
            }
        }
        if (!unknown.isEmpty()) {
            problems.add(
                    FormatProblems.UNKNOWN_TENSOR,
                    "File %s has what the model does not know: %s. The model knows: %s. Remove or rename it."
                            .formatted(Failures.quoted(file), guessed(unknown, known), listed(known)));
        }
    }

    private void reportVectors(Problems problems) {
        for (String tensor : given) {
            if (!tensor.startsWith(VECTORS)) {
                continue;
            }
            String parameter = tensor.substring(VECTORS.length());
            if (ties.containsKey(parameter)) {
                problems.add(
                        FormatProblems.UNKNOWN_TENSOR,
                        "File %s has %s, but the model ties %s to %s, under which its products stand. Name the vectors %s."
                                .formatted(
                                        Failures.quoted(file),
                                        Failures.quoted(tensor),
                                        Failures.quoted(parameter),
                                        Failures.quoted(String.valueOf(ties.get(parameter))),
                                        Failures.quoted(VECTORS + ties.get(parameter))));
            } else if (!parameters.contains(parameter)) {
                problems.add(
                        FormatProblems.UNKNOWN_TENSOR,
                        "File %s has vectors %s, but the model has no such parameter. Its parameters: %s. Remove or rename it."
                                .formatted(
                                        Failures.quoted(file),
                                        guessed(
                                                List.of(tensor),
                                                parameters.stream()
                                                        .map(name -> VECTORS + name)
                                                        .toList()),
                                        listed(parameters)));
            }
        }
    }

    private String prefixed(Prefix found) {
        String first = found.missing().iterator().next();
        return "File %s has no tensor %s, but has each %s %s before its name, such as %s. %s"
                .formatted(
                        Failures.quoted(file),
                        listed(found.missing().stream().map(Failures::quoted).toList()),
                        found.inFile() ? "with" : "without",
                        Failures.quoted(found.text()),
                        Failures.quoted(found.inFile(first)),
                        found.inFile()
                                ? "Save it without the prefix, in Python: {k.removeprefix('%s'): v for k, v in tensors.items()}."
                                        .formatted(found.text())
                                : "Rename the model's nodes, or save it with the prefix, in Python: {'%s' + k: v for k, v in tensors.items()}; input and target keep their names."
                                        .formatted(found.text()));
    }

    private Optional<Prefix> prefix() {
        Set<String> missing = parameters.stream()
                .filter(parameter -> !given.contains(parameter))
                .collect(Collectors.toCollection(TreeSet::new));
        if (missing.isEmpty()) {
            return Optional.empty();
        }
        String first = missing.iterator().next();
        List<Prefix> candidates = new ArrayList<>();
        for (String tensor : given) {
            if (tensor.endsWith("." + first)) {
                String text = tensor.substring(0, tensor.length() - first.length());
                candidates.add(new Prefix(text, true, missing));
            } else if (isGiven(tensor) && first.endsWith("." + tensor)) {
                String text = first.substring(0, first.length() - tensor.length());
                candidates.add(new Prefix(text, false, missing));
            }
        }
        return candidates.stream().filter(this::explainsAll).findFirst();
    }

    private boolean explainsAll(Prefix candidate) {
        return candidate.missing().stream()
                .allMatch(parameter -> (candidate.inFile() || parameter.startsWith(candidate.text()))
                        && given.contains(candidate.inFile(parameter))
                        && !parameters.contains(candidate.inFile(parameter)));
    }

    private static String guessed(List<String> names, Collection<String> known) {
        return listed(names.stream()
                .map(name -> Failures.quoted(name)
                        + Suggestions.nearest(name, known)
                                .map(best -> " (did you mean '" + best + "'?)")
                                .orElse(""))
                .toList());
    }

    private static String listed(Collection<String> names) {
        int others = names.size() - MOST_NAMES;
        String shown = names.stream().limit(MOST_NAMES).collect(Collectors.joining(", "));
        return others > 0 ? shown + " and %d others".formatted(others) : shown;
    }
}
