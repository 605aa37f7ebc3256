// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx.reading;

import io.backpack4j.onnx.proto.ElementType;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;

/** The operators that have a counterpart. */
final class Operators {

    private static final Map<String, Consumer<Call>> ALL = new TreeMap<>();

    private static final Set<String> CONTROL = Set.of("If", "Loop", "Scan");

    static {
        Activations.register(ALL);
        Arithmetic.register(ALL);
        Convolutions.register(ALL);
        Norms.register(ALL);
        Products.register(ALL);
        Recurrences.register(ALL);
        Reductions.register(ALL);
        ShapeOperators.register(ALL);
    }

    private Operators() {}

    /** The names of all, sorted. */
    static List<String> names() {
        return List.copyOf(ALL.keySet());
    }

    static void convert(Call call) {
        String operator = call.node().operator();
        if (!call.node().domain().isEmpty()) {
            throw new Refusal("is of the domain '%s', but only ONNX's standard operators are possible"
                    .formatted(call.node().domain()));
        }
        boolean constant = true;
        for (int i = 0; i < call.inputs(); i++) {
            constant &= !call.has(i) || call.input(i) instanceof Constant;
        }
        if (constant) {
            Optional<Constant> folded = Folding.fold(call);
            if (folded.isPresent()) {
                call.output(folded.get());
                return;
            }
        }
        Consumer<Call> converter = ALL.get(operator);
        if (converter == null) {
            throw new Refusal(refusal(operator));
        }
        converter.accept(call);
    }

    private static String refusal(String operator) {
        if (CONTROL.contains(operator)) {
            return "branches or repeats depending on data, which is not supported. Export the model with fixed sizes and without control flow";
        }
        if (operator.contains("Quantize") || operator.startsWith("QLinear") || operator.endsWith("Integer")) {
            return "belongs to a quantised model, which has no derivatives. Use the float32 model that it was made of";
        }
        return "is not supported. Possible: " + String.join(", ", possible());
    }

    private static List<String> possible() {
        return new ArrayList<>(ALL.keySet());
    }

    /** Whether a type needs no conversion: real numbers are computed with as one type. */
    static boolean isReal(ElementType type) {
        return type == ElementType.FLOAT || type == ElementType.DOUBLE;
    }
}
