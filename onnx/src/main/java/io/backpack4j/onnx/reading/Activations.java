// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx.reading;

import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** Operators that treat every number alone, and softmax. */
final class Activations {

    private static final double SELU_ALPHA = 1.67326319217681884765625;
    private static final double SELU_GAMMA = 1.05070102214813232421875;

    private Activations() {}

    static void register(Map<String, Consumer<Call>> all) {
        all.put("Relu", call -> call.elementwise(call.activation(0), "ReLU", Map.of()));
        all.put("Sigmoid", call -> call.elementwise(call.activation(0), "Sigmoid", Map.of()));
        all.put("Tanh", call -> call.elementwise(call.activation(0), "Tanh", Map.of()));
        all.put("Softsign", call -> call.elementwise(call.activation(0), "Softsign", Map.of()));
        all.put("Mish", call -> call.elementwise(call.activation(0), "Mish", Map.of()));
        all.put("HardSwish", call -> call.elementwise(call.activation(0), "Hardswish", Map.of()));
        all.put("Softplus", Activations::softplus);
        all.put("Gelu", Activations::gelu);
        all.put(
                "LeakyRelu",
                call -> call.elementwise(
                        call.activation(0), "LeakyReLU", Map.of("negative_slope", call.number("alpha", 0.01))));
        all.put("Elu", call -> call.elementwise(call.activation(0), "ELU", Map.of("alpha", call.number("alpha", 1))));
        all.put("Selu", Activations::selu);
        all.put("HardSigmoid", Activations::hardSigmoid);
        all.put("Clip", Activations::clip);
        all.put("PRelu", Activations::prelu);
        all.put("Erf", Activations::erf);
        all.put("Abs", Activations::abs);
        all.put("Log", Activations::log);
        all.put("Swish", call -> call.elementwise(call.activation(0), "SiLU", Map.of()));
        all.put("Softmax", call -> softmax(call, "Softmax"));
        all.put("LogSoftmax", call -> softmax(call, "LogSoftmax"));
    }

    /** Exact for all inputs, so without PyTorch's threshold, beyond which both agree to 2e-9. */
    private static void softplus(Call call) {
        call.elementwise(call.activation(0), "Softplus", Map.of());
    }

    private static void gelu(Call call) {
        call.elementwise(call.activation(0), "GELU", Map.of("approximate", call.word("approximate", "none")));
    }

    private static void selu(Call call) {
        boolean usual = Math.abs(call.number("alpha", SELU_ALPHA) - SELU_ALPHA) < 1e-6
                && Math.abs(call.number("gamma", SELU_GAMMA) - SELU_GAMMA) < 1e-6;
        if (!usual) {
            throw new Refusal("has alpha %s and gamma %s, but only the usual ones of SELU are possible"
                    .formatted(call.number("alpha", SELU_ALPHA), call.number("gamma", SELU_GAMMA)));
        }
        call.elementwise(call.activation(0), "SELU", Map.of());
    }

    private static void hardSigmoid(Call call) {
        double alpha = call.number("alpha", 0.2);
        double beta = call.number("beta", 0.5);
        if (Math.abs(alpha - 1.0 / 6) < 1e-6 && beta == 0.5) {
            call.elementwise(call.activation(0), "Hardsigmoid", Map.of());
            return;
        }
        Activation line = call.elementwise(
                call.activation(0), call.name() + "_affine", "Affine", Map.of("scale", alpha, "shift", beta));
        call.elementwise(line, "Hardtanh", Map.of("min_val", 0.0, "max_val", 1.0));
    }

    private static void clip(Call call) {
        double low = bound(call, 1, "min", Double.NEGATIVE_INFINITY);
        double high = bound(call, 2, "max", Double.POSITIVE_INFINITY);
        boolean noLow = low <= -Float.MAX_VALUE;
        boolean noHigh = high >= Float.MAX_VALUE;
        Activation x = call.activation(0);
        if (noLow && noHigh) {
            call.output(x);
        } else if (low == 0 && noHigh) {
            call.elementwise(x, "ReLU", Map.of());
        } else if (low == 0 && high == 6) {
            call.elementwise(x, "ReLU6", Map.of());
        } else {
            call.elementwise(
                    x,
                    "Hardtanh",
                    Map.of("min_val", Math.max(low, -Float.MAX_VALUE), "max_val", Math.min(high, Float.MAX_VALUE)));
        }
    }

    private static double bound(Call call, int index, String name, double otherwise) {
        if (call.has(index)) {
            return Call.decimal(call.constant(index).scalar());
        }
        return call.number(name, otherwise);
    }

    private static void prelu(Call call) {
        Activation x = call.activation(0);
        Constant slope = call.constant(1);
        long count = slope.elements();
        Arrangement.requireBatchFirst(x);
        boolean channels = x.rank() > 1
                && count == x.size(1)
                && (slope.rank() == 1
                        ? x.rank() == 2
                        : slope.sizes().get(Math.max(0, slope.rank() - x.rank() + 1)) == count);
        if (count != 1 && !channels) {
            throw new Refusal(
                    "has slopes of sizes %s, but one, or one per channel, is possible".formatted(slope.sizes()));
        }
        String node = call.model().arrangement().batchFirst(x, call.name());
        String added = call.model()
                .network()
                .add(
                        Names.ofModule(call.node(), List.of(call.origin(1))),
                        "PReLU",
                        Map.of("num_parameters", count),
                        List.of(node),
                        Map.of("weight", new Network.Numbers(slope.reshaped(List.of(count)), true)));
        call.output(call.model().arrangement().plain(added, x.type()));
    }

    /** The error function is only known as a part of GELU. */
    private static void erf(Call call) {
        if (!Patterns.gelu(call)) {
            throw new Refusal("is only supported as a part of GELU, 0.5 x (1 + erf(x / √2)), and this is none");
        }
    }

    /** The absolute value is only known as a part of Softsign. */
    private static void abs(Call call) {
        if (!Patterns.softsign(call)) {
            throw new Refusal("is only supported as a part of Softsign, x / (1 + |x|), and this is none");
        }
    }

    private static void log(Call call) {
        Activation x = call.activation(0);
        Network.Draft before = call.model().network().node(x.node());
        if (before == null) {
            throw new Refusal("is only supported of a Sigmoid or a Softmax");
        }
        switch (before.type()) {
            case "Sigmoid" -> replace(call, x, before, "LogSigmoid");
            case "Softmax" -> replace(call, x, before, "LogSoftmax");
            default -> throw new Refusal("is only supported of a Sigmoid or a Softmax");
        }
    }

    /** Puts a module in the place of the one before and this. */
    private static void replace(Call call, Activation x, Network.Draft before, String type) {
        String added = call.model().network().add(call.name(), type, before.arguments(), before.inputs(), Map.of());
        call.output(new Activation(added, x.sample(), x.axes(), x.type()));
    }

    private static void softmax(Call call, String type) {
        Activation x = call.activation(0);
        boolean old = call.opset() < 13;
        int axis = x.axis(call.integer("axis", old ? 1 : -1));
        if (old && axis != x.rank() - 1) {
            // Before version 13 all axes from this one on were one.
            for (int other = axis + 1; other < x.rank(); other++) {
                if (x.size(other) != 1) {
                    throw new Refusal(
                            "is taken over several axes from axis %d on, which is not supported".formatted(axis));
                }
            }
        }
        if (x.holdsBatch(axis) || (axis == 0 && x.isBatchFirst())) {
            throw new Refusal("is taken over the batch");
        }
        Arrangement.Arranged arranged = call.model().arrangement().compact(x, call.name(), List.of(axis));
        int place = arranged.axes().get(axis).get(0);
        String added = call.model()
                .network()
                .add(call.name(), type, Map.of("dim", place + 1L), List.of(arranged.node()), Map.of());
        call.output(call.model().arrangement().result(added, arranged.axes(), x.type()));
    }
}
