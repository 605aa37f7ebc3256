// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx.writing;

import io.backpack4j.onnx.writing.NodeWriter.NotWritable;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** How activations are written. */
final class ActivationWriters {

    private static final double TANH_SCALE = Math.sqrt(2 / Math.PI);
    private static final double TANH_CUBE = 0.044715;

    private ActivationWriters() {}

    static void register(Map<String, Consumer<NodeWriter>> all) {
        all.put("ReLU", node -> node.only("Relu", Map.of()));
        all.put("Sigmoid", node -> node.only("Sigmoid", Map.of()));
        all.put("Tanh", node -> node.only("Tanh", Map.of()));
        all.put("SELU", node -> node.only("Selu", Map.of()));
        all.put("Softsign", node -> node.only("Softsign", Map.of()));
        all.put("Hardswish", node -> node.only("HardSwish", Map.of()));
        all.put(
                "LeakyReLU",
                node -> node.only("LeakyRelu", Map.of("alpha", node.arguments().number("negative_slope", 0.01))));
        all.put("ELU", node -> node.only("Elu", Map.of("alpha", node.arguments().number("alpha", 1))));
        all.put("Hardsigmoid", node -> node.only("HardSigmoid", Map.of("alpha", 1.0 / 6, "beta", 0.5)));
        all.put("ReLU6", node -> clip(node, 0, 6));
        all.put(
                "Hardtanh",
                node -> clip(
                        node,
                        node.arguments().number("min_val", node.arguments().number("min_value", -1)),
                        node.arguments().number("max_val", node.arguments().number("max_value", 1))));
        all.put("Softplus", ActivationWriters::softplus);
        all.put("LogSigmoid", ActivationWriters::logSigmoid);
        all.put("SiLU", ActivationWriters::silu);
        all.put("Mish", ActivationWriters::mish);
        all.put("GELU", ActivationWriters::gelu);
        all.put("PReLU", ActivationWriters::prelu);
        all.put("Softmax", node -> softmax(node, "Softmax"));
        all.put("LogSoftmax", node -> softmax(node, "LogSoftmax"));
    }

    private static void clip(NodeWriter node, double low, double high) {
        node.end("Clip", List.of(node.input(), node.number(low), node.number(high)), Map.of());
    }

    private static void softplus(NodeWriter node) {
        if (node.arguments().number("beta", 1) != 1) {
            throw new NotWritable("has beta %s, but only 1 is possible"
                    .formatted(node.arguments().number("beta", 1)));
        }
        node.only("Softplus", Map.of());
    }

    /** −softplus(−x), which does not lose digits. */
    private static void logSigmoid(NodeWriter node) {
        String negative = node.step("Neg", List.of(node.input()), Map.of());
        String plus = node.step("Softplus", List.of(negative), Map.of());
        node.end("Neg", List.of(plus), Map.of());
    }

    private static void silu(NodeWriter node) {
        String gate = node.step("Sigmoid", List.of(node.input()), Map.of());
        node.end("Mul", List.of(node.input(), gate), Map.of());
    }

    private static void mish(NodeWriter node) {
        String plus = node.step("Softplus", List.of(node.input()), Map.of());
        String gate = node.step("Tanh", List.of(plus), Map.of());
        node.end("Mul", List.of(node.input(), gate), Map.of());
    }

    /** Written out: the operator Gelu came with version 20. */
    private static void gelu(NodeWriter node) {
        String x = node.input();
        String inner;
        if (node.arguments().word("approximate", "none", "none", "tanh").equals("none")) {
            String scaled = node.step("Div", List.of(x, node.number(Math.sqrt(2))), Map.of());
            inner = node.step("Erf", List.of(scaled), Map.of());
        } else {
            String square = node.step("Mul", List.of(x, x), Map.of());
            String cube = node.step("Mul", List.of(square, x), Map.of());
            String part = node.step("Mul", List.of(cube, node.number(TANH_CUBE)), Map.of());
            String sum = node.step("Add", List.of(x, part), Map.of());
            String scaled = node.step("Mul", List.of(sum, node.number(TANH_SCALE)), Map.of());
            inner = node.step("Tanh", List.of(scaled), Map.of());
        }
        String plus = node.step("Add", List.of(inner, node.number(1)), Map.of());
        String product = node.step("Mul", List.of(x, plus), Map.of());
        node.end("Mul", List.of(product, node.number(0.5)), Map.of());
    }

    private static void prelu(NodeWriter node) {
        long count = node.arguments().integer("num_parameters", 1);
        List<Long> sizes = new ArrayList<>(List.of(count));
        sizes.addAll(Collections.nCopies(Math.max(0, node.sample().rank() - 1), 1L));
        String slope = node.step("Reshape", List.of(node.parameter("weight"), node.integers(sizes)), Map.of());
        node.end("PRelu", List.of(node.input(), slope), Map.of());
    }

    private static void softmax(NodeWriter node, String operator) {
        if (!node.arguments().has("dim")) {
            throw new NotWritable("leaves dim out, which must be said");
        }
        node.only(operator, Map.of("axis", node.arguments().integer("dim")));
    }
}
