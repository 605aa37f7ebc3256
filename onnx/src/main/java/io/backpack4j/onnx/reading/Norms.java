// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx.reading;

import io.backpack4j.onnx.proto.ElementType;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/** Normalisations. */
final class Norms {

    private static final double EPSILON = 1e-5;

    private Norms() {}

    static void register(Map<String, Consumer<Call>> all) {
        all.put("BatchNormalization", Norms::batchNorm);
        all.put("LayerNormalization", Norms::layerNorm);
        all.put("InstanceNormalization", Norms::instanceNorm);
        all.put("GroupNormalization", Norms::groupNorm);
    }

    private static void batchNorm(Call call) {
        Activation x = call.activation(0);
        int axes = Math.max(1, x.rank() - 2);
        if (x.rank() < 2 || axes > 3) {
            throw new Refusal("takes a tensor with %d axes, but 2 to 5 are possible".formatted(x.rank()));
        }
        if (call.opset() < 9 && call.integer("spatial", 1) != 1) {
            throw new Refusal("has spatial 0, but only 1 is possible");
        }
        Constant weight = call.constant(1);
        boolean train = call.integer("training_mode", 0) != 0;
        Map<String, Object> arguments = new LinkedHashMap<>();
        arguments.put("num_features", weight.elements());
        arguments.put("eps", call.number("epsilon", EPSILON));
        arguments.put("momentum", 1 - call.number("momentum", 0.9));
        arguments.put("mode", train ? "train" : "eval");
        Map<String, Network.Numbers> parameters = affine(weight, call.constant(2));
        parameters.put("running_mean", new Network.Numbers(call.constant(3), false));
        parameters.put("running_var", new Network.Numbers(call.constant(4), false));
        String node = call.model().arrangement().batchFirst(x, call.name());
        String name = Names.ofModule(call.node(), List.of(call.origin(1), call.origin(2)));
        String added = call.model().network().add(name, "BatchNorm" + axes + "d", arguments, List.of(node), parameters);
        call.output(call.model().arrangement().plain(added, x.type()));
    }

    static Map<String, Network.Numbers> affine(Constant weight, Constant bias) {
        Map<String, Network.Numbers> parameters = new LinkedHashMap<>();
        parameters.put("weight", new Network.Numbers(weight, true));
        parameters.put("bias", new Network.Numbers(bias, true));
        return parameters;
    }

    private static void layerNorm(Call call) {
        Activation x = call.activation(0);
        int axis = x.axis(call.integer("axis", -1));
        List<Optional<String>> names = List.of(call.origin(1), call.origin(2));
        call.output(layerNorm(
                call,
                x,
                axis,
                call.number("epsilon", EPSILON),
                call.optional(1),
                call.optional(2),
                Names.ofModule(call.node(), names)));
    }

    /** Normalises over the axes from one on. */
    static Activation layerNorm(
            Call call,
            Activation x,
            int axis,
            double epsilon,
            Optional<Constant> weight,
            Optional<Constant> bias,
            String name) {
        List<Integer> kept = IntStream.range(axis, x.rank()).boxed().toList();
        if (kept.stream().anyMatch(x::holdsBatch) || (axis == 0 && x.isBatchFirst())) {
            throw new Refusal("normalises over the batch");
        }
        Arrangement.Arranged arranged = call.model().arrangement().compact(x, name, kept);
        List<Long> shape = kept.stream().map(x::size).toList();
        Map<String, Object> arguments = new LinkedHashMap<>();
        arguments.put("normalized_shape", shape);
        arguments.put("eps", epsilon);
        arguments.put("elementwise_affine", weight.isPresent() || bias.isPresent());
        arguments.put("bias", bias.isPresent());
        Map<String, Network.Numbers> parameters = new LinkedHashMap<>();
        if (weight.isPresent() || bias.isPresent()) {
            Constant ones = Constant.of(ElementType.FLOAT, shape, filled(shape, 1));
            parameters.put(
                    "weight",
                    new Network.Numbers(weight.map(w -> w.reshaped(shape)).orElse(ones), weight.isPresent()));
        }
        bias.ifPresent(constant -> parameters.put("bias", new Network.Numbers(constant.reshaped(shape), true)));
        String added = call.model().network().add(name, "LayerNorm", arguments, List.of(arranged.node()), parameters);
        return call.model().arrangement().result(added, arranged.axes(), x.type());
    }

    private static double[] filled(List<Long> shape, double value) {
        double[] filled = new double[Folding.limited(shape)];
        Arrays.fill(filled, value);
        return filled;
    }

    private static void instanceNorm(Call call) {
        if (Patterns.groupNorm(call)) {
            return;
        }
        Activation x = call.activation(0);
        int axes = x.rank() - 2;
        if (axes < 1 || axes > 3) {
            throw new Refusal("takes a tensor with %d axes, but 3 to 5 are possible".formatted(x.rank()));
        }
        Constant weight = call.constant(1);
        Constant bias = call.constant(2);
        boolean plain = isFilled(weight, 1)
                && isFilled(bias, 0)
                && Names.isGenerated(call.origin(1).orElse("0"));
        Map<String, Object> arguments = new LinkedHashMap<>();
        arguments.put("num_features", weight.elements());
        arguments.put("eps", call.number("epsilon", EPSILON));
        arguments.put("affine", !plain);
        String node = call.model().arrangement().batchFirst(x, call.name());
        String added = call.model()
                .network()
                .add(
                        Names.ofModule(call.node(), List.of(call.origin(1), call.origin(2))),
                        "InstanceNorm" + axes + "d",
                        arguments,
                        List.of(node),
                        plain ? Map.of() : affine(weight, bias));
        call.output(call.model().arrangement().plain(added, x.type()));
    }

    /** Whether all numbers of a small constant are equal to one. */
    static boolean isFilled(Constant constant, double value) {
        return constant.elements() < 1 << 20 && Arrays.stream(constant.values()).allMatch(number -> number == value);
    }

    private static void groupNorm(Call call) {
        Activation x = call.activation(0);
        long groups = call.integer("num_groups", 1);
        Constant weight = call.constant(1);
        if (x.rank() < 2 || weight.elements() != x.size(1)) {
            throw new Refusal("has %d scales, but one for each channel is needed, as from version 21 on"
                    .formatted(weight.elements()));
        }
        call.output(groupNorm(
                call,
                x,
                groups,
                call.number("epsilon", EPSILON),
                Optional.of(weight),
                Optional.of(call.constant(2)),
                Names.ofModule(call.node(), List.of(call.origin(1), call.origin(2)))));
    }

    /** Normalises groups of channels, axis 1. */
    static Activation groupNorm(
            Call call,
            Activation x,
            long groups,
            double epsilon,
            Optional<Constant> weight,
            Optional<Constant> bias,
            String name) {
        long channels = x.size(1);
        Map<String, Object> arguments = new LinkedHashMap<>();
        arguments.put("num_groups", groups);
        arguments.put("num_channels", channels);
        arguments.put("eps", epsilon);
        arguments.put("affine", weight.isPresent());
        String node = call.model().arrangement().batchFirst(x, name);
        Map<String, Network.Numbers> parameters = weight.isPresent()
                ? affine(
                        weight.get().reshaped(List.of(channels)),
                        bias.orElseThrow().reshaped(List.of(channels)))
                : Collections.emptyMap();
        String added = call.model().network().add(name, "GroupNorm", arguments, List.of(node), parameters);
        return call.model().arrangement().plain(added, x.type());
    }
}
