// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.oracle;

import io.backpack4j.kernel.LossDescription;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The losses by PyTorch's definitions. */
final class Losses {

    private Losses() {}

    /** ℓ of one sample: the sum of its terms. */
    static Value value(LossDescription loss, Values output, Numbers target) {
        Map<String, @Nullable Object> arguments = loss.arguments();
        return switch (loss.type()) {
            case "CrossEntropyLoss" -> Value.sum(crossEntropies(arguments, output, target));
            case "NLLLoss" -> Value.sum(picked(arguments, output, target));
            default -> {
                List<Value> terms = new ArrayList<>();
                for (int i = 0; i < target.values().length; i++) {
                    double weight = number(arguments, "weight", output.shape(), i, 1);
                    terms.add(element(loss, output.shape(), i, output.elements().get(i), target.values()[i])
                            .times(weight));
                }
                yield Value.sum(terms);
            }
        };
    }

    /** ℓ of one element with the output f and the target y, without its weight. */
    private static Value element(LossDescription loss, int[] shape, int element, Value f, double y) {
        Map<String, @Nullable Object> arguments = loss.arguments();
        Value error = f.minus(Value.constant(y));
        Value distance = error.number() < 0 ? error.times(-1) : error;
        return switch (loss.type()) {
            case "MSELoss" -> error.times(error);
            case "L1Loss" -> distance;
            case "BCEWithLogitsLoss" -> {
                double positive = number(arguments, "pos_weight", shape, element, 1);
                Value ofPositive = f.times(-1).softplus().times(positive * y);
                yield ofPositive.plus(f.softplus().times(1 - y));
            }
            case "SmoothL1Loss" -> {
                double beta = number(arguments, "beta", 1);
                yield distance.number() < beta
                        ? error.times(error).times(0.5 / beta)
                        : distance.plus(Value.constant(-0.5 * beta));
            }
            case "HuberLoss" -> {
                double delta = number(arguments, "delta", 1);
                yield distance.number() <= delta
                        ? error.times(error).times(0.5)
                        : distance.plus(Value.constant(-0.5 * delta)).times(delta);
            }
            case "PoissonNLLLoss" -> {
                boolean logarithms = !Boolean.FALSE.equals(arguments.get("log_input"));
                Value shifted = f.plus(Value.constant(number(arguments, "eps", 1e-8)));
                Value term = logarithms
                        ? f.exp().minus(f.times(y))
                        : f.minus(shifted.log().times(y));
                boolean full = Boolean.TRUE.equals(arguments.get("full")) && y > 1;
                double stirling = y * Math.log(y) - y + 0.5 * Math.log(2 * Math.PI * y);
                yield full ? term.plus(Value.constant(stirling)) : term;
            }
            case "GaussianNLLLoss" -> {
                double variance =
                        Math.max(number(arguments, "var", shape, element, Double.NaN), number(arguments, "eps", 1e-6));
                double constant =
                        Math.log(variance) + (Boolean.TRUE.equals(arguments.get("full")) ? Math.log(2 * Math.PI) : 0);
                yield error.times(error)
                        .times(1 / variance)
                        .plus(Value.constant(constant))
                        .times(0.5);
            }
            case "KLDivLoss" -> {
                boolean logarithm = Boolean.TRUE.equals(arguments.get("log_target"));
                double probability = logarithm ? Math.exp(y) : y;
                double entropy = probability == 0 ? 0 : probability * (logarithm ? y : Math.log(y));
                yield f.times(-probability).plus(Value.constant(entropy));
            }
            default -> throw new IllegalArgumentException("The oracle does not know " + loss.type());
        };
    }

    private static double number(Map<String, @Nullable Object> arguments, String name, double otherwise) {
        return arguments.get(name) instanceof Number number ? number.doubleValue() : otherwise;
    }

    /** The number for one element of an argument that may be a number or nested lists, aligned at the last axes. */
    private static double number(
            Map<String, @Nullable Object> arguments, String name, int[] shape, int element, double otherwise) {
        Object given = arguments.get(name);
        int depth = 0;
        for (Object each = given; each instanceof List<?> list; each = list.get(0)) {
            depth++;
        }
        int[] position = new int[shape.length];
        for (int axis = shape.length - 1, rest = element; axis >= 0; axis--) {
            position[axis] = rest % shape[axis];
            rest /= shape[axis];
        }
        for (int axis = shape.length - depth; given instanceof List<?> list; axis++) {
            given = list.get(list.size() == 1 ? 0 : position[axis]);
        }
        return given instanceof Number number ? number.doubleValue() : otherwise;
    }

    /** c: one over the number of averaged terms of the whole batch, or over what they weigh, or 1 for a sum. */
    static double factor(Problem problem, Values output) {
        LossDescription loss = problem.model().loss();
        Object reduction = loss.arguments().get("reduction");
        if ("sum".equals(reduction)) {
            return 1;
        }
        int samples = problem.samples();
        if ("batchmean".equals(reduction)) {
            return 1.0 / samples;
        }
        int terms = output.elements().size();
        if (!loss.type().equals("CrossEntropyLoss") && !loss.type().equals("NLLLoss")) {
            return 1.0 / (samples * terms);
        }
        double[] targets = problem.targets().values();
        if (targets.length == samples * terms) {
            return 1.0 / (samples * (terms / output.shape()[0]));
        }
        double sum = 0;
        for (double target : targets) {
            if (target != number(loss.arguments(), "ignore_index", -100)) {
                sum += weight(loss.arguments(), (int) target);
            }
        }
        return 1 / sum;
    }

    private static double weight(Map<String, @Nullable Object> arguments, int label) {
        return arguments.get("weight") instanceof List<?> list ? ((Number) list.get(label)).doubleValue() : 1;
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
    static double[][] root(LossDescription loss, Values output, Numbers target, double factor) {
        double[] logits = output.numbers();
        double[][] root = new double[logits.length][logits.length];
        if (!loss.type().equals("CrossEntropyLoss")) {
            double[][] hessian = hessian(loss, output, target);
            for (int i = 0; i < logits.length; i++) {
                root[i][i] = Math.sqrt(factor * hessian[i][i]);
            }
            return root;
        }
        int classes = output.shape()[0];
        int positions = logits.length / classes;
        for (int q = 0; q < positions; q++) {
            double[] p = new double[classes];
            double counts = 0;
            for (int c = 0; c < classes; c++) {
                p[c] = Math.exp(logits[c * positions + q]);
                counts += share(loss.arguments(), classes, positions, target, c, q);
            }
            double total = Arrays.stream(p).sum();
            for (int v = 0; v < classes; v++) {
                for (int c = 0; c < classes; c++) {
                    root[v * positions + q][c * positions + q] = Math.sqrt(factor * counts * p[c] / total)
                            * ((v == c ? 1 : 0) - Math.sqrt(p[v] / total * p[c] / total));
                }
            }
        }
        return root;
    }

    /** What −log p of a class at a position counts: its weight times its share of the target, smoothed. */
    private static double share(
            Map<String, @Nullable Object> arguments,
            int classes,
            int positions,
            Numbers target,
            int label,
            int position) {
        double smoothing = number(arguments, "label_smoothing", 0);
        double share;
        if (target.values().length == classes * positions) {
            share = target.values()[label * positions + position];
        } else if (target.values()[position] == number(arguments, "ignore_index", -100)) {
            return 0;
        } else {
            share = target.values()[position] == label ? 1 : 0;
        }
        return weight(arguments, label) * ((1 - smoothing) * share + smoothing / classes);
    }

    private static List<Value> picked(Map<String, @Nullable Object> arguments, Values output, Numbers target) {
        int classes = output.shape()[0];
        int positions = output.elements().size() / classes;
        List<Value> terms = new ArrayList<>();
        for (int q = 0; q < positions; q++) {
            for (int c = 0; c < classes; c++) {
                double share = share(arguments, classes, positions, target, c, q);
                terms.add(output.elements().get(c * positions + q).times(-share));
            }
        }
        return terms;
    }

    private static List<Value> crossEntropies(Map<String, @Nullable Object> arguments, Values output, Numbers target) {
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
            Value logarithm = sum.log().plus(shift);
            for (int c = 0; c < classes; c++) {
                double share = share(arguments, classes, positions, target, c, q);
                if (share != 0) {
                    terms.add(logarithm.minus(logits.get(c)).times(share));
                }
            }
        }
        return terms;
    }

    private static double[] numbers(List<Value> values) {
        return values.stream().mapToDouble(Value::number).toArray();
    }
}
