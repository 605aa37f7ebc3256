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

    /** The Hessian of ℓ by the outputs of one sample. */
    static double[][] hessian(LossDescription loss, Values output, Numbers target) {
        List<Value> outputs = output.elements().stream()
                .map(value -> Value.variable(value.number()))
                .toList();
        Value value = value(loss, new Values(output.shape(), outputs), target);
        return value.derivatives(outputs).stream()
                .map(derivative -> numbers(derivative.derivatives(outputs)))
                .toArray(double[][]::new);
    }

    /** BackPACK's root of c times that Hessian: one row per column, each of the outputs' length. */
    static double[][] root(LossDescription loss, Values output, double factor) {
        double[] logits = output.numbers();
        double[][] root = new double[logits.length][logits.length];
        if (!loss.type().equals("CrossEntropyLoss")) {
            for (int i = 0; i < logits.length; i++) {
                double probability = 1 / (1 + Math.exp(-logits[i]));
                root[i][i] = Math.sqrt(factor * (loss.type().equals("MSELoss") ? 2 : probability * (1 - probability)));
            }
            return root;
        }
        int classes = output.shape()[0];
        int positions = logits.length / classes;
        for (int q = 0; q < positions; q++) {
            double[] p = new double[classes];
            for (int c = 0; c < classes; c++) {
                p[c] = Math.exp(logits[c * positions + q]);
            }
            double total = Arrays.stream(p).sum();
            for (int v = 0; v < classes; v++) {
                for (int c = 0; c < classes; c++) {
                    root[v * positions + q][c * positions + q] = Math.sqrt(factor * p[c] / total)
                            * ((v == c ? 1 : 0) - Math.sqrt(p[v] / total * p[c] / total));
                }
            }
        }
        return root;
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
