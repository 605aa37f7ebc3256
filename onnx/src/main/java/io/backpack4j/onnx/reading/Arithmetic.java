// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx.reading;

import io.backpack4j.onnx.proto.ElementType;
import io.backpack4j.onnx.proto.OnnxFile;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/** Sums, products and the like of activations and constants, number by number. */
final class Arithmetic {

    private static final int MOST_FACTORS = 4;
    private static final Set<String> COMPARISONS =
            Set.of("Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Equal", "IsNaN");

    private Arithmetic() {}

    static void register(Map<String, Consumer<Call>> all) {
        all.put("Add", call -> combine(call, "Sum"));
        all.put("Sum", call -> combine(call, "Sum"));
        all.put("Sub", call -> combine(call, "Sub"));
        all.put("Mul", call -> combine(call, "Mul"));
        all.put("Div", call -> combine(call, "Div"));
        all.put("Neg", call -> affine(call, call.activation(0), -1, 0));
        all.put("Pow", Arithmetic::pow);
        all.put("Where", Arithmetic::where);
        COMPARISONS.forEach(operator -> all.put(operator, Arithmetic::compare));
    }

    private static void affine(Call call, Activation x, double scale, double shift) {
        call.elementwise(x, "Affine", Map.of("scale", scale, "shift", shift));
    }

    private static void combine(Call call, String type) {
        List<Value> operands = call.all();
        if (operands.stream().anyMatch(operand -> operand instanceof Value.Condition)) {
            throw new Refusal("computes with a comparison, which is not supported");
        }
        if (operands.size() == 1) {
            call.output(operands.get(0));
            return;
        }
        if (operands.size() == 2 && (scalar(call, type, 0) || scalar(call, type, 1))) {
            return;
        }
        if (operands.size() == 2 && type.equals("Mul") && gate(call)) {
            return;
        }
        if (type.equals("Sum")) {
            operands.stream()
                    .filter(Constant.class::isInstance)
                    .forEach(operand -> requireMask(call, (Constant) operand));
        }
        Alignment alignment = Alignment.of(operands, -1);
        ElementType result = alignment.type();
        String added = call.model().network().add(call.name(), type, Map.of(), alignment.nodes(call), Map.of());
        call.output(call.model().arrangement().result(added, alignment.axes(), result));
    }

    /** Numbers that no parameter may have are masks, if a softmax follows. */
    private static void requireMask(Call call, Constant constant) {
        if (constant.origin().map(Constant.Origin::trained).orElse(false) && constant.elements() > 1 << 24) {
            return;
        }
        for (double value : constant.values()) {
            if (value < Parameters.MASKED && !leadsToSoftmax(call)) {
                throw new Refusal("adds %s, which is only possible as a mask before a Softmax".formatted(value));
            }
        }
    }

    private static boolean leadsToSoftmax(Call call) {
        OnnxFile.Node node = call.node();
        for (int i = 0; i < 2; i++) {
            List<OnnxFile.Node> next = call.model().consumers(node.outputs().get(0));
            if (next.size() != 1) {
                return false;
            }
            node = next.get(0);
            if (node.operator().equals("Softmax")) {
                return true;
            }
        }
        return false;
    }

    /** With one number that is no parameter, it is a line: y = scale x + shift. */
    private static boolean scalar(Call call, String type, int at) {
        if (!(call.input(at) instanceof Constant constant)
                || !constant.isScalar()
                || constant.rank() > 1
                || Parameters.isTrained(constant)
                || !(call.input(1 - at) instanceof Activation x)) {
            return false;
        }
        if (!Operators.isReal(x.type())) {
            throw new Refusal("computes with whole numbers, which is not supported");
        }
        double value = Call.decimal(constant.scalar());
        if (!Double.isFinite(value)) {
            throw new Refusal("computes with " + value);
        }
        switch (type) {
            case "Sum" -> affine(call, x, 1, value);
            case "Sub" -> affine(call, x, at == 0 ? -1 : 1, at == 0 ? value : -value);
            case "Mul" -> affine(call, x, value, 0);
            default -> {
                if (at == 0 || value == 0) {
                    return false;
                }
                affine(call, x, 1 / value, 0);
            }
        }
        return true;
    }

    /** x times a gate of itself is an activation of its own. */
    private static boolean gate(Call call) {
        if (!(call.input(0) instanceof Activation a) || !(call.input(1) instanceof Activation b)) {
            return false;
        }
        return gate(call, a, b) || gate(call, b, a);
    }

    private static boolean gate(Call call, Activation x, Activation gate) {
        Network.Draft draft = call.model().network().node(gate.node());
        if (draft == null
                || !draft.inputs().equals(List.of(x.node()))
                || !gate.axes().equals(x.axes())) {
            return false;
        }
        switch (draft.type()) {
            case "Sigmoid" -> call.elementwise(x, "SiLU", Map.of());
            case "Hardsigmoid" -> call.elementwise(x, "Hardswish", Map.of());
            default -> {
                return false;
            }
        }
        return true;
    }

    private static void pow(Call call) {
        Activation x = call.activation(0);
        double exponent = call.constant(1).scalar();
        if (exponent != Math.rint(exponent) || exponent < 1 || exponent > MOST_FACTORS) {
            throw new Refusal("has the exponent %s, but only 1 to %d are possible".formatted(exponent, MOST_FACTORS));
        }
        if (exponent == 1) {
            call.output(x);
            return;
        }
        String added = call.model()
                .network()
                .add(call.name(), "Mul", Map.of(), Collections.nCopies((int) exponent, x.node()), Map.of());
        call.output(new Activation(added, x.sample(), x.axes(), x.type()));
    }

    private static void compare(Call call) {
        boolean unary = call.inputs() == 1;
        if (!unary && !(call.input(1) instanceof Constant)) {
            throw new Refusal("compares two tensors that the network computes, which is not supported");
        }
        double bound = unary ? 0 : call.constant(1).scalar();
        call.output(new Value.Condition(call.node().operator(), call.activation(0), bound));
    }

    private static void where(Call call) {
        if (call.input(0) instanceof Value.Condition condition) {
            where(call, condition);
        } else if (call.input(0) instanceof Constant mask) {
            masked(call, mask);
        } else {
            throw new Refusal("chooses by what the network computes, which is not supported");
        }
    }

    /** PyTorch's Softplus is x beyond a threshold; its attention replaces NaN, which does not occur. */
    private static void where(Call call, Value.Condition condition) {
        if (condition.operator().equals("IsNaN")
                && call.input(2) instanceof Activation kept
                && kept.equals(condition.compared())) {
            call.output(kept);
            return;
        }
        boolean linear = condition.operator().equals("Greater")
                && call.input(1) instanceof Activation x
                && x.equals(condition.compared());
        if (linear && call.input(2) instanceof Activation curve) {
            Network.Draft draft = call.model().network().node(curve.node());
            if (draft != null
                    && draft.type().equals("Softplus")
                    && draft.inputs().equals(List.of(condition.compared().node()))) {
                call.elementwise(condition.compared(), "Softplus", Map.of("threshold", condition.bound()));
                return;
            }
        }
        throw new Refusal("chooses by a comparison, which is only supported as a part of Softplus or of attention");
    }

    /** Scores where a constant mask says so, and a number elsewhere: scores · mask + number · (1 − mask). */
    private static void masked(Call call, Constant mask) {
        boolean scoresFirst = call.input(1) instanceof Activation;
        int at = scoresFirst ? 1 : 2;
        Activation scores = call.activation(at);
        Constant other = call.constant(3 - at);
        double number = other.scalar();
        if (number < Parameters.MASKED) {
            if (!leadsToSoftmax(call)) {
                throw new Refusal("fills in %s, which is only possible before a Softmax".formatted(number));
            }
            number = Parameters.MASKED;
        }
        double[] factors = new double[mask.values().length];
        double[] shifts = new double[factors.length];
        for (int i = 0; i < factors.length; i++) {
            boolean kept = (mask.values()[i] != 0) == scoresFirst;
            factors[i] = kept ? 1 : 0;
            shifts[i] = kept ? 0 : number;
        }
        Value product = combined(call, "Mul", scores, Constant.of(scores.type(), mask.sizes(), factors));
        call.output(combined(call, "Sum", (Activation) product, Constant.of(scores.type(), mask.sizes(), shifts)));
    }

    private static Value combined(Call call, String type, Activation x, Constant constant) {
        List<Value> operands = new ArrayList<>(List.of(x, constant));
        Alignment alignment = Alignment.of(operands, -1);
        String added = call.model().network().add(call.name(), type, Map.of(), alignment.nodes(call), Map.of());
        return call.model().arrangement().result(added, alignment.axes(), x.type());
    }
}
