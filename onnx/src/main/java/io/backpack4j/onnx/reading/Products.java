// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx.reading;

import io.backpack4j.onnx.proto.OnnxFile;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/** Matrix products: with constants, which become Linear, and of activations. */
final class Products {

    private Products() {}

    static void register(Map<String, Consumer<Call>> all) {
        all.put("Gemm", Products::gemm);
        all.put("MatMul", Products::matMul);
    }

    private static void gemm(Call call) {
        boolean plain = call.number("alpha", 1) == 1 && (call.number("beta", 1) == 1 || !call.has(2));
        if (!plain || call.integer("transA", 0) != 0) {
            throw new Refusal("has alpha %s, beta %s, transA %d, but only 1, 1 and 0 are possible"
                    .formatted(call.number("alpha", 1), call.number("beta", 1), call.integer("transA", 0)));
        }
        Activation x = call.activation(0);
        Constant weight = call.constant(1);
        boolean transposed = call.integer("transB", 0) != 0;
        Optional<Constant> bias = call.optional(2);
        if (x.rank() != 2 || weight.rank() != 2) {
            throw new Refusal(
                    "multiplies tensors with %d and %d axes, but needs 2 and 2".formatted(x.rank(), weight.rank()));
        }
        linear(
                call,
                x,
                transposed ? weight : weight.permuted(List.of(1, 0)),
                bias,
                List.of(call.origin(1), call.origin(2)),
                call::output);
    }

    private static void matMul(Call call) {
        if (call.input(0) instanceof Activation x && call.input(1) instanceof Constant weight) {
            if (weight.rank() != 2) {
                byConstant(call);
                return;
            }
            Optional<OnnxFile.Node> sum = call.model()
                    .onlyConsumer(call.node().outputs().get(0))
                    .filter(next ->
                            next.operator().equals("Add") && next.domain().isEmpty());
            Optional<Constant> bias =
                    sum.flatMap(next -> bias(call, next, weight.sizes().get(1)));
            Consumer<Value> output = call::output;
            if (bias.isPresent()) {
                OnnxFile.Node next = sum.orElseThrow();
                call.model().absorb(next);
                output = value -> call.model().define(next.outputs().get(0), value);
            } else {
                bias = biasBehindReshape(call, weight.sizes().get(1));
            }
            Optional<String> biasName = bias.flatMap(Constant::origin).map(Constant.Origin::name);
            linear(call, x, weight.permuted(List.of(1, 0)), bias, List.of(call.origin(1), biasName), output);
        } else if (call.input(0) instanceof Constant || call.input(1) instanceof Constant) {
            byConstant(call);
        } else {
            ofActivations(call, call.activation(0), call.activation(1));
        }
    }

    /** TensorFlow reshapes a product before it adds the bias to it; the last axis stays. */
    private static Optional<Constant> biasBehindReshape(Call call, long length) {
        Optional<OnnxFile.Node> reshape = call.model()
                .onlyConsumer(call.node().outputs().get(0))
                .filter(next -> next.operator().equals("Reshape"));
        Optional<OnnxFile.Node> sum = reshape.flatMap(
                        next -> call.model().onlyConsumer(next.outputs().get(0)))
                .filter(next -> next.operator().equals("Add"));
        boolean keepsLast = reshape.isPresent()
                && call.model().known(reshape.get().inputs().get(1)).orElse(null) instanceof Constant shape
                && shape.values().length > 0
                && shape.values()[shape.values().length - 1] == length;
        if (sum.isEmpty() || !keepsLast) {
            return Optional.empty();
        }
        Optional<Constant> bias = bias(call, sum.get(), length);
        bias.ifPresent(
                found -> call.model().alias(sum.get(), reshape.get().outputs().get(0)));
        return bias;
    }

    /** A row of the product's length that an Add adds. */
    private static Optional<Constant> bias(Call call, OnnxFile.Node next, long length) {
        for (String name : next.inputs()) {
            Optional<Value> value = call.model().known(name);
            if (value.isPresent()
                    && value.get() instanceof Constant constant
                    && constant.rank() > 0
                    && constant.elements() == length
                    && constant.sizes().get(constant.rank() - 1) == length
                    && constant.batchAxis() < 0) {
                return Optional.of(constant);
            }
        }
        return Optional.empty();
    }

    /** @param weight as Linear has it, {@code [out, in]} */
    private static void linear(
            Call call,
            Activation x,
            Constant weight,
            Optional<Constant> bias,
            List<Optional<String>> names,
            Consumer<Value> output) {
        if (x.rank() < 2 || x.holdsBatch(x.rank() - 1)) {
            throw new Refusal("multiplies over the batch");
        }
        long out = weight.sizes().get(0);
        long in = weight.sizes().get(1);
        String name = Names.ofModule(call.node(), names);
        Arrangement.Arranged arranged = call.model().arrangement().compact(x, name, List.of(x.rank() - 1));
        Map<String, Network.Numbers> parameters = new LinkedHashMap<>();
        parameters.put("weight", new Network.Numbers(weight, true));
        bias.ifPresent(constant -> {
            if (constant.elements() != out) {
                throw new Refusal("adds a constant of sizes %s to %d outputs".formatted(constant.sizes(), out));
            }
            parameters.put("bias", new Network.Numbers(constant.reshaped(List.of(out)), true));
        });
        Map<String, Object> arguments = new LinkedHashMap<>();
        arguments.put("in_features", in);
        arguments.put("out_features", out);
        arguments.put("bias", bias.isPresent());
        String added = call.model().network().add(name, "Linear", arguments, List.of(arranged.node()), parameters);
        output.accept(call.model().arrangement().result(added, arranged.axes(), x.type()));
    }

    /** A constant that is no matrix, or stands left, is a frozen or trained Parameter. */
    private static void byConstant(Call call) {
        int at = call.input(0) instanceof Constant ? 0 : 1;
        Constant constant = call.constant(at);
        Activation x = call.activation(1 - at);
        if (constant.rank() < 2) {
            throw new Refusal("multiplies with a constant of sizes " + constant.sizes());
        }
        Activation parameter = Parameters.of(call, constant, call.origin(at), x);
        ofActivations(call, at == 0 ? parameter : x, at == 0 ? x : parameter);
    }

    private static void ofActivations(Call call, Activation a, Activation b) {
        if (a.rank() < 2 || b.rank() < 2) {
            throw new Refusal(
                    "multiplies tensors with %d and %d axes, but needs 2 at least".formatted(a.rank(), b.rank()));
        }
        for (Activation x : List.of(a, b)) {
            if (x.holdsBatch(x.rank() - 1) || x.holdsBatch(x.rank() - 2)) {
                throw new Refusal("multiplies over the batch, or mixes samples");
            }
        }
        // The matrices' own axes are put aside while the others are aligned.
        List<Value> outer = new ArrayList<>();
        for (Activation x : List.of(a, b)) {
            outer.add(x.with(x.axes().subList(0, x.rank() - 2)));
        }
        Arrangement arrangement = call.model().arrangement();
        Alignment alignment = Alignment.of(outer, -1);
        List<String> nodes = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            Activation x = i == 0 ? a : b;
            List<List<Integer>> all = new ArrayList<>(alignment.groups().get(i));
            all.addAll(x.axes().subList(x.rank() - 2, x.rank()).stream()
                    .map(Activation::before)
                    .toList());
            nodes.add(arrangement.node(x, all, call.name()));
        }
        String added = call.model().network().add(call.name(), "MatMul", Map.of(), nodes, Map.of());
        int rank = call.model().network().sample(added).rank();
        List<List<Integer>> result = new ArrayList<>(alignment.axes());
        result.add(List.of(rank - 2));
        result.add(List.of(rank - 1));
        call.output(arrangement.result(added, result, a.type()));
    }
}
