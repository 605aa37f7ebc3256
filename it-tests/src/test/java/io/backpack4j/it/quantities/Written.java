// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import io.backpack4j.it.oracle.FirstOrder;
import io.backpack4j.it.oracle.Numbers;
import io.backpack4j.it.oracle.Problem;
import io.backpack4j.it.oracle.Sample;
import io.backpack4j.kernel.Frozen;
import io.backpack4j.kernel.LossDescription;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.NodeDescription;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * Networks written in one line: {@code 3,7,7 | Conv2d 2 k=2 s=2,1 nobias | ReLU | Flatten | Linear 5 frozen |
 * CrossEntropyLoss sum}. The shape of a sample comes first and the loss last; between them are nodes with the names 0,
 * 1 and so on. Sizes of inputs follow; {@code @} names a node whose output is read instead of that of the node before,
 * {@code @input} the input.
 */
final class Written {

    /** Closer to a kink, single precision may be on the other side. */
    private static final double LEAST_MARGIN = 1e-3;

    private static final Map<String, String> SHORT = Map.of(
            "k", "kernel_size", "s", "stride", "p", "padding", "d", "dilation", "g", "groups", "op", "output_padding");

    private final List<NodeDescription> nodes = new ArrayList<>();
    private final Map<String, int[]> parameters = new LinkedHashMap<>();
    private final int[] input;
    private final LossDescription loss;

    private Written(String line) {
        String[] parts = line.split("\\|");
        input = integers(parts[0].strip());
        String[] last = parts[parts.length - 1].strip().split(" ");
        loss = new LossDescription(last[0], Map.of("reduction", last[1]));
        for (int i = 1; i < parts.length - 1; i++) {
            add(parts[i].strip().split(" "));
        }
    }

    /** The network with numbers that keep away from kinks. */
    static Problem problem(String line, int samples) {
        Written written = new Written(line);
        for (int seed = 1; seed < 2000; seed++) {
            Random random = new Random(seed);
            Problem problem = written.problem(random, samples);
            if (new FirstOrder(problem).margin() > LEAST_MARGIN) {
                return problem;
            }
        }
        throw new IllegalArgumentException("Always near a kink: " + line);
    }

    private Problem problem(Random random, int samples) {
        int[] output = outputOf(random);
        int[] shape = join(samples, output);
        Numbers targets;
        if (loss.type().equals("CrossEntropyLoss")) {
            int[] labels = join(samples, Arrays.copyOfRange(output, 1, output.length));
            targets = new Numbers(
                    labels,
                    IntStream.range(0, count(labels))
                            .mapToDouble(i -> random.nextInt(output[0]))
                            .toArray());
        } else {
            targets = new Numbers(shape, random.doubles(count(shape)).toArray());
        }
        Map<String, Numbers> inputs = Map.of("input", Networks.normal(random, join(samples, input)));
        return new Problem(model(), inputs, targets, numbers(random));
    }

    private ModelDescription model() {
        return new ModelDescription(List.copyOf(nodes), List.of(), Optional.empty(), loss);
    }

    private Map<String, Numbers> numbers(Random random) {
        Map<String, Numbers> numbers = new LinkedHashMap<>();
        parameters.forEach((name, shape) -> {
            boolean positive = name.endsWith("running_var");
            double spread = shape.length > 1 ? 1 / Math.sqrt((double) count(shape) / shape[0]) : 0.5;
            double[] values = IntStream.range(0, count(shape))
                    .mapToDouble(i -> positive ? 0.5 + random.nextDouble() : spread * random.nextGaussian())
                    .toArray();
            numbers.put(name, new Numbers(shape, values));
        });
        return numbers;
    }

    private int[] outputOf(Random random) {
        if (nodes.isEmpty()) {
            return input;
        }
        Numbers nothing = new Numbers(new int[] {1}, new double[1]);
        Map<String, Numbers> inputs = Map.of("input", Networks.normal(random, join(1, input)));
        return new Sample(new Problem(model(), inputs, nothing, numbers(random)), 0)
                .output()
                .shape();
    }

    private void add(String... words) {
        Map<String, Object> arguments = new LinkedHashMap<>();
        List<String> from = new ArrayList<>();
        List<String> plain = new ArrayList<>();
        boolean frozen = false;
        for (String word : Arrays.asList(words).subList(1, words.length)) {
            int equals = word.indexOf('=');
            if (word.startsWith("@")) {
                from.add(word.substring(1));
            } else if (equals > 0) {
                String key = word.substring(0, equals);
                arguments.put(SHORT.getOrDefault(key, key), value(word.substring(equals + 1)));
            } else if (word.equals("nobias")) {
                arguments.put("bias", false);
            } else if (word.equals("frozen")) {
                frozen = true;
            } else {
                plain.add(word);
            }
        }
        String name = String.valueOf(nodes.size());
        int[] before = from.isEmpty() ? outputOf(new Random(0)) : new int[1];
        describe(name, words[0], arguments, plain, before);
        nodes.add(new NodeDescription(name, words[0], arguments, from, frozen ? Frozen.ALL : Frozen.NONE, Map.of()));
    }

    private void describe(String name, String type, Map<String, Object> arguments, List<String> plain, int[] before) {
        String family = type.replaceFirst("[123]d$", "");
        switch (family) {
            case "Linear" -> {
                int out = Integer.parseInt(plain.get(0));
                arguments.put("in_features", before[before.length - 1]);
                arguments.put("out_features", out);
                put(name, arguments, out, out, before[before.length - 1]);
            }
            case "Conv", "ConvTranspose" -> {
                int out = Integer.parseInt(plain.get(0));
                int in = arguments.remove("in") instanceof Integer given ? given : before[0];
                int axes = type.charAt(type.length() - 2) - '0';
                int groups = (int) arguments.getOrDefault("groups", 1);
                arguments.put("in_channels", in);
                arguments.put("out_channels", out);
                int[] weight = new int[axes + 2];
                weight[0] = family.equals("Conv") ? out : in;
                weight[1] = (family.equals("Conv") ? in : out) / groups;
                for (int axis = 0; axis < axes; axis++) {
                    weight[axis + 2] = (int)
                            (arguments.get("kernel_size") instanceof List<?> list
                                    ? list.get(axis)
                                    : arguments.get("kernel_size"));
                }
                put(name, arguments, out, weight);
            }
            case "BatchNorm" -> {
                arguments.put("num_features", before[0]);
                arguments.put("mode", "eval");
                for (String parameter : List.of("weight", "bias", "running_mean", "running_var")) {
                    parameters.put(name + "." + parameter, new int[] {before[0]});
                }
            }
            case "Slice" -> arguments.put("slices", slices(plain.get(0)));
            default -> {}
        }
    }

    private void put(String name, Map<String, Object> arguments, int out, int... weight) {
        parameters.put(name + ".weight", weight);
        if (!arguments.containsKey("bias")) {
            parameters.put(name + ".bias", new int[] {out});
        }
    }

    /** Python's way to write them: {@code :,0,::2,0:2}. */
    private static List<Object> slices(String text) {
        List<Object> slices = new ArrayList<>();
        for (String part : text.split(",")) {
            if (part.contains(":")) {
                Integer[] range = new Integer[3];
                String[] bounds = part.split(":", -1);
                for (int i = 0; i < bounds.length; i++) {
                    range[i] = bounds[i].isEmpty() ? null : Integer.valueOf(bounds[i]);
                }
                slices.add(Arrays.asList(range));
            } else {
                slices.add(Integer.valueOf(part));
            }
        }
        return slices;
    }

    private static Object value(String text) {
        if (text.contains(",")) {
            return IntStream.of(integers(text)).boxed().toList();
        }
        if (text.equals("true") || text.equals("false")) {
            return Boolean.valueOf(text);
        }
        if (Character.isLetter(text.charAt(0))) {
            return text;
        }
        if (text.contains(".")) {
            return Double.valueOf(text);
        }
        return Integer.valueOf(text);
    }

    private static int[] integers(String text) {
        return Arrays.stream(text.split(",")).mapToInt(Integer::parseInt).toArray();
    }

    private static int[] join(int first, int[] rest) {
        return IntStream.concat(IntStream.of(first), IntStream.of(rest)).toArray();
    }

    private static int count(int[] shape) {
        return IntStream.of(shape).reduce(1, (a, b) -> a * b);
    }
}
