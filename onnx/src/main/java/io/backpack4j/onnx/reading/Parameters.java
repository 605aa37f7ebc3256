// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx.reading;

import io.backpack4j.onnx.proto.ElementType;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Constants that the network computes with as a whole: a Parameter each. One is trained if it is an initializer of real
 * numbers whose name no exporter made up.
 */
final class Parameters {

    /** Stands for minus infinity where a softmax follows: its exponential is zero in float32 and float64. */
    static final double MASKED = -1e30;

    private Parameters() {}

    /** A constant beside an activation, whose batch is axis 0 of the result. */
    static Activation of(Call call, Constant constant, Optional<String> name, Activation like) {
        Constant rest = constant;
        List<List<Integer>> axes = new ArrayList<>();
        int missing = like.rank() - constant.rank();
        List<Long> sample = new ArrayList<>();
        for (int axis = 0; axis < like.rank(); axis++) {
            long size = axis < missing ? 1 : constant.sizes().get(axis - missing);
            if (like.holdsBatch(axis)) {
                if (size != 1) {
                    throw new Refusal("combines the batch with a constant of sizes " + constant.sizes());
                }
                axes.add(List.of(Activation.BATCH));
            } else {
                axes.add(List.of(sample.size()));
                sample.add(size);
            }
        }
        if (missing < 0) {
            throw new Refusal("combines a constant of sizes %s with a tensor of %d axes"
                    .formatted(constant.sizes(), like.rank()));
        }
        String node = node(call, rest, name, sample, like);
        return new Activation(node, call.model().network().sample(node), axes, like.type());
    }

    /** Whether a constant is a parameter of the network: an initializer of real numbers with a name of its own. */
    static boolean isTrained(Constant constant) {
        return constant.type().isFloating()
                && constant.origin()
                        .filter(from -> from.trained() && !Names.isGenerated(from.name()))
                        .isPresent();
    }

    /** A node with a constant as the shape of its samples. */
    static String node(Call call, Constant constant, Optional<String> name, List<Long> sample, Activation like) {
        if (!Operators.isReal(like.type())) {
            throw new Refusal("combines a constant with whole numbers that the network computes with");
        }
        boolean given = isTrained(constant);
        List<Long> shape = sample.isEmpty() ? List.of(1L) : sample;
        Constant numbers = constant.batchAxis() < 0
                ? constant.reshaped(shape)
                : Constant.of(constant.type(), shape, constant.values());
        return call.model()
                .network()
                .add(
                        given ? constant.origin().orElseThrow().name() : call.name() + "_constant",
                        "Parameter",
                        Map.of("shape", shape),
                        List.of(like.node()),
                        Map.of("weight", new Network.Numbers(finite(numbers), given)));
    }

    /** Minus infinity, which no parameter may be, as a number whose exponential is zero. */
    private static Constant finite(Constant constant) {
        if (constant.elements() > 1 << 24 || constant.type() == ElementType.FLOAT16) {
            return constant;
        }
        double[] values = constant.values();
        boolean masks = false;
        for (double value : values) {
            masks |= value < MASKED;
        }
        if (!masks) {
            return constant;
        }
        double[] bounded = values.clone();
        for (int i = 0; i < bounded.length; i++) {
            bounded[i] = Math.max(bounded[i], MASKED);
        }
        return Constant.of(constant.type(), constant.sizes(), bounded);
    }
}
