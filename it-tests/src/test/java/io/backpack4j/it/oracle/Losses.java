package io.backpack4j.it.oracle;

import io.backpack4j.kernel.LossDescription;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The losses by PyTorch's definitions. */
final class Losses {

    private Losses() {}

    /** ℓ of one sample: the sum of its terms. */
    static Value value(LossDescription loss, Values output, Numbers target) {
        return switch (loss.type()) {
            case "CrossEntropyLoss" -> crossEntropy(output, target);
            case "MSELoss" ->
                Value.sum(terms(output, target, (f, y) -> {
                    Value error = f.minus(Value.constant(y));
                    return error.times(error);
                }));
            case "BCEWithLogitsLoss" ->
                Value.sum(terms(output, target, (f, y) -> f.softplus().minus(f.times(y))));
            default -> throw new IllegalArgumentException("The oracle does not know " + loss.type());
        };
    }

    /** c: one over the number of averaged terms of the whole batch, or 1 for a sum. */
    static double factor(LossDescription loss, int samples, Values output) {
        if ("sum".equals(loss.arguments().get("reduction"))) {
            return 1;
        }
        int terms = output.elements().size();
        return 1.0 / (samples * (loss.type().equals("CrossEntropyLoss") ? terms / output.shape()[0] : terms));
    }

    private interface Term {
        Value of(Value output, double target);
    }

    private static List<Value> terms(Values output, Numbers target, Term term) {
        List<Value> terms = new ArrayList<>();
        for (int i = 0; i < target.values().length; i++) {
            terms.add(term.of(output.elements().get(i), target.values()[i]));
        }
        return terms;
    }

    private static Value crossEntropy(Values output, Numbers target) {
        int classes = output.shape()[0];
        int positions = output.elements().size() / classes;
        List<Value> terms = new ArrayList<>();
        for (int q = 0; q < positions; q++) {
            List<Value> logits = new ArrayList<>();
            for (int c = 0; c < classes; c++) {
                logits.add(output.elements().get(c * positions + q));
            }
            double largest = Arrays.stream(numbers(logits)).max().orElseThrow();
            Value shift = Value.constant(largest);
            Value sum = Value.sum(
                    logits.stream().map(logit -> logit.minus(shift).exp()).toList());
            terms.add(sum.log().plus(shift).minus(logits.get((int) target.values()[q])));
        }
        return Value.sum(terms);
    }

    private static double[] numbers(List<Value> values) {
        return values.stream().mapToDouble(Value::number).toArray();
    }
}
