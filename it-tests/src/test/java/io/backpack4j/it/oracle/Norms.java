// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.oracle;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.IntStream;

/** Normalisations within a sample by PyTorch's definitions. */
final class Norms {

    private static final Set<String> TYPES =
            Set.of("LayerNorm", "RMSNorm", "GroupNorm", "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d");

    private final Map<String, Object> arguments;
    private final Values x;
    private final Function<String, Values> parameters;

    Norms(Map<String, Object> arguments, Values x, Function<String, Values> parameters) {
        this.arguments = arguments;
        this.x = x;
        this.parameters = parameters;
    }

    static boolean knows(String type) {
        return TYPES.contains(type);
    }

    Values apply(String type) {
        int all = x.elements().size();
        if (type.equals("LayerNorm") || type.equals("RMSNorm")) {
            Object shape = arguments.get("normalized_shape");
            int size = shape instanceof List<?> sizes
                    ? sizes.stream().mapToInt(it -> ((Number) it).intValue()).reduce(1, (a, b) -> a * b)
                    : ((Number) shape).intValue();
            boolean centred = type.equals("LayerNorm");
            boolean weight = flag("elementwise_affine", true);
            boolean bias = centred && weight && flag("bias", true);
            double eps = number("eps", centred ? 1e-5 : Math.ulp(1.0));
            return normalise(size, centred, eps, weight, bias, index -> index % size);
        }
        boolean instance = type.startsWith("Instance");
        int channels = x.shape()[0];
        int groups = instance ? channels : (int) number("num_groups", 1);
        boolean affine = flag("affine", !instance);
        int perChannel = all / channels;
        return normalise(all / groups, true, number("eps", 1e-5), affine, affine, index -> index / perChannel);
    }

    private Values normalise(
            int size, boolean centred, double eps, boolean weight, boolean bias, Function<Integer, Integer> parameter) {
        List<Value> elements = x.elements();
        List<Value> normalised = IntStream.range(0, elements.size() / size)
                .boxed()
                .flatMap(group -> normalise(elements.subList(group * size, (group + 1) * size), centred, eps).stream())
                .toList();
        return new Values(
                x.shape(),
                IntStream.range(0, normalised.size())
                        .mapToObj(i -> {
                            int at = parameter.apply(i);
                            Value y = normalised.get(i);
                            Value scaled = weight
                                    ? y.times(parameters
                                            .apply("weight")
                                            .elements()
                                            .get(at))
                                    : y;
                            return bias
                                    ? scaled.plus(
                                            parameters.apply("bias").elements().get(at))
                                    : scaled;
                        })
                        .toList());
    }

    private static List<Value> normalise(List<Value> group, boolean centred, double eps) {
        Value mean = centred ? mean(group) : Value.constant(0);
        List<Value> deviations = group.stream().map(value -> value.minus(mean)).toList();
        Value variance =
                mean(deviations.stream().map(value -> value.times(value)).toList());
        Value root = variance.plus(Value.constant(eps)).root();
        return deviations.stream().map(value -> value.over(root)).toList();
    }

    private static Value mean(List<Value> values) {
        return Value.sum(values).times(1.0 / values.size());
    }

    private boolean flag(String name, boolean otherwise) {
        return arguments.get(name) instanceof Boolean flag ? flag : otherwise;
    }

    private double number(String name, double otherwise) {
        return arguments.get(name) instanceof Number number ? number.doubleValue() : otherwise;
    }
}
