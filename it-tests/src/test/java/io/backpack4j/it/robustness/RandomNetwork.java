// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.robustness;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.BatchBuilder;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.LossDescription;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.NodeDescription;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;

/** Draws a network of layers, convolutions and forks whose memory is not all parameters or all activations. */
final class RandomNetwork {

    private static final List<String> ACTIVATIONS = List.of("ReLU", "ELU", "Tanh", "Sigmoid", "LeakyReLU", "SELU");

    private final Random random;
    private final List<NodeDescription> nodes = new ArrayList<>();
    private final Shape input;
    private Shape shape;
    private String last = Graph.INPUT;
    private boolean chain = true;

    private RandomNetwork(Random random) {
        this.random = random;
        this.input = random.nextInt(3) == 0
                ? Shape.of(between(1, 40))
                : Shape.of(between(1, 4), between(3, 10), between(3, 10));
        this.shape = input;
    }

    /**
     * A network.
     *
     * @param model the network with its loss
     * @param input the shape of a sample
     * @param output the shape of a sample's output
     * @param chain whether no output is read twice
     */
    record Drawn(ModelDescription model, Shape input, Shape output, boolean chain) {

        Batch batch(BackPack backpack, DType dtype, int samples, Random random) {
            BatchBuilder builder = backpack.batch(dtype)
                    .input(
                            Graph.INPUT,
                            input.prepend(samples),
                            random.doubles(samples * input.elements(), -1.5, 1.5)
                                    .toArray());
            String loss = model.loss().type();
            if (loss.equals("CrossEntropyLoss")) {
                Shape places = output.dropFirst(1).prepend(samples);
                return builder.targets(
                                places,
                                random.longs(places.elements(), 0, output.size(0))
                                        .toArray())
                        .build();
            }
            Shape all = output.prepend(samples);
            double[] targets = random.doubles(all.elements()).toArray();
            if (loss.equals("BCEWithLogitsLoss")) {
                for (int i = 0; i < targets.length; i++) {
                    targets[i] = Math.round(targets[i]);
                }
            }
            return builder.targets(all, targets).build();
        }
    }

    static Drawn draw(Random random) {
        return new RandomNetwork(random).draw();
    }

    private Drawn draw() {
        int steps = between(0, 5);
        for (int i = 0; i < steps; i++) {
            if (shape.rank() == 1 || random.nextInt(8) == 0) {
                dense();
            } else {
                spatial();
            }
        }
        boolean positions = shape.rank() == 3 && shape.elements() <= 60 && random.nextInt(4) == 0;
        if (!positions) {
            flatten();
            linear(between(1, 12));
        } else {
            convolution("Conv2d", between(2, 4), 1, 0, 1);
        }
        String loss = shape.size(0) > 1
                ? List.of("CrossEntropyLoss", "CrossEntropyLoss", "MSELoss", "BCEWithLogitsLoss")
                        .get(random.nextInt(4))
                : "MSELoss";
        var described = new LossDescription(loss, Map.of("reduction", random.nextBoolean() ? "mean" : "sum"));
        return new Drawn(new ModelDescription(nodes, List.of(), Optional.of(last), described), input, shape, chain);
    }

    private int between(int least, int most) {
        return least + random.nextInt(most - least + 1);
    }

    private void dense() {
        flatten();
        linear(between(1, 40));
        activation();
        if (random.nextInt(4) == 0) {
            skip(() -> linear((int) shape.size(0)));
        }
    }

    private void spatial() {
        int side = (int) Math.min(shape.size(1), shape.size(2));
        switch (random.nextInt(7)) {
            case 0 -> {
                if (side > 1) {
                    String type = random.nextBoolean() ? "MaxPool2d" : "AvgPool2d";
                    add(type, Map.of("kernel_size", 2), pooled());
                }
            }
            case 1 -> activation();
            case 2 -> skip(() -> convolution("Conv2d", (int) shape.size(0), 3, 1, 1));
            case 3 -> convolution("ConvTranspose2d", between(1, 6), between(1, 2), 0, 1);
            default -> {
                convolution("Conv2d", between(1, 10), between(1, Math.min(3, side)), between(0, 1), between(1, 2));
                activation();
            }
        }
    }

    private Shape pooled() {
        return Shape.of(shape.size(0), shape.size(1) / 2, shape.size(2) / 2);
    }

    /** Adds a branch to what it starts from. */
    private void skip(Runnable branch) {
        chain = false;
        String start = last;
        branch.run();
        String name = name();
        nodes.add(new NodeDescription(name, "Sum", Map.of(), List.of(last, start)));
        last = name;
    }

    private void convolution(String type, int channels, int kernel, int padding, int stride) {
        boolean transposed = type.equals("ConvTranspose2d");
        long[] out = {channels, 0, 0};
        for (int axis = 1; axis < 3; axis++) {
            long size = shape.size(axis);
            out[axis] = transposed
                    ? (size - 1) * stride + kernel - 2L * padding
                    : (size + 2L * padding - kernel) / stride + 1;
        }
        Map<String, Object> arguments = new LinkedHashMap<>();
        arguments.put("in_channels", shape.size(0));
        arguments.put("out_channels", channels);
        arguments.put("kernel_size", kernel);
        arguments.put("stride", stride);
        arguments.put("padding", padding);
        arguments.put("bias", random.nextBoolean());
        add(type, arguments, Shape.of(out));
    }

    private void flatten() {
        if (shape.rank() > 1) {
            add("Flatten", Map.of(), Shape.of(shape.elements()));
        }
    }

    private void linear(int out) {
        Map<String, Object> arguments = new LinkedHashMap<>();
        arguments.put("in_features", shape.size(0));
        arguments.put("out_features", out);
        arguments.put("bias", random.nextInt(3) > 0);
        add("Linear", arguments, Shape.of(out));
    }

    private void activation() {
        add(ACTIVATIONS.get(random.nextInt(ACTIVATIONS.size())), Map.of(), shape);
    }

    private void add(String type, Map<String, Object> arguments, Shape output) {
        String name = name();
        nodes.add(new NodeDescription(name, type, new LinkedHashMap<>(arguments), List.of(last)));
        last = name;
        shape = output;
    }

    private String name() {
        return "n" + nodes.size();
    }
}
