// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.alarm;

import io.backpack4j.cockpit.log.LogLine;
import io.backpack4j.cockpit.log.RunLog;
import io.backpack4j.cockpit.quantity.Value;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Listens to the lines of a log and raises alarms. A rule that is broken raises one, and the next only when it was kept
 * in between. Used by one thread.
 */
public final class Alarms implements Consumer<LogLine> {

    /** All names of alarms. */
    public static final List<String> NAMES = List.of(
            "step-too-large",
            "batch-too-small",
            "vanishing-gradient",
            "exploding-gradient",
            "poor-initialisation",
            "zero-gradient",
            "weights-do-not-move",
            "weights-move-too-fast",
            "stalled",
            "over-training",
            "over-fitting",
            "not-finite");

    private final AlarmOptions options;
    private final Map<String, Window> windows = new HashMap<>();
    private final Map<String, Integer> streaks = new HashMap<>();
    private final Set<String> broken = new HashSet<>();
    private final List<Alarm> raised = new ArrayList<>();
    private List<String> parameters = List.of();
    private long lastStep;
    private double lastValidLoss = Double.NaN;
    private double lastTrainLoss = Double.NaN;

    public Alarms(AlarmOptions options) {
        this.options = options;
    }

    /** The alarms of a log. */
    public static List<Alarm> of(RunLog log, AlarmOptions options) {
        Alarms alarms = new Alarms(options);
        log.lines().forEach(alarms);
        return alarms.raised();
    }

    /** All so far, in their order. */
    public List<Alarm> raised() {
        return List.copyOf(raised);
    }

    @Override
    public void accept(LogLine line) {
        if (line.fields().get("parameters") instanceof List<?> list) {
            parameters = list.stream().map(String::valueOf).toList();
        }
        Map<String, Value> values = new LinkedHashMap<>();
        line.values().forEach((label, json) -> values.put(label, Value.ofJson(json)));
        line.step().ifPresent(step -> {
            lastStep = Math.max(lastStep, step);
            ofStep(step, values, line.details());
        });
        line.epoch().ifPresent(epoch -> ofEpoch(values));
    }

    private void ofStep(long step, Map<String, Value> values, Map<String, Object> details) {
        values.forEach((label, value) -> notFinite(step, label, value, details));
        number(values, "Alpha", alpha -> {
            Window window = window("Alpha", options.window());
            window.add(alpha);
            check(
                    "step-too-large",
                    window.isFull() && window.mean() > options.largestAlpha(),
                    step,
                    "Steps go far beyond the minimum of the loss along them: the learning rate is too high. Try a half of it.",
                    "the mean of Alpha over %d values is above %s".formatted(options.window(), options.largestAlpha()));
        });
        number(values, "NormTest", test -> {
            Window window = window("NormTest", options.window());
            window.add(test);
            check(
                    "batch-too-small",
                    window.isFull() && window.median() > options.largestNormTest(),
                    step,
                    "Gradients of single samples differ much more than their mean is long: the batch is too small for the step that is taken.",
                    "the median of NormTest over %d values is above %s"
                            .formatted(options.window(), options.largestNormTest()));
        });
        Value norms = values.get("GradNorm");
        if (norms != null) {
            gradients(step, norms);
        }
        Value ratios = values.get("UpdateRatio");
        if (ratios != null) {
            updates(step, ratios);
        }
        number(values, "Loss", loss -> loss(step, loss));
    }

    private void notFinite(long step, String label, Value value, Map<String, Object> details) {
        boolean itself = value instanceof Value.Missing missing
                && (missing.reason().contains("NaN") || missing.reason().contains("infinite"));
        List<String> which = new ArrayList<>();
        if (value instanceof Value.Several several) {
            for (int i = 0; i < several.values().size(); i++) {
                if (several.values().get(i) instanceof Value.Missing missing
                        && (missing.reason().contains("NaN") || missing.reason().contains("infinite"))) {
                    which.add(i < parameters.size() ? parameters.get(i) : String.valueOf(i));
                }
            }
        }
        String samples =
                details.get(label) instanceof Map<?, ?> own && own.get("not_finite_samples") instanceof List<?> ids
                        ? " Samples: %s.".formatted(ids)
                        : "";
        check(
                "not-finite:" + label,
                itself || !which.isEmpty(),
                step,
                "%s is not finite%s.%s Lower the learning rate, or look for inputs that are not finite."
                        .formatted(label, which.isEmpty() ? "" : " for " + String.join(", ", which), samples),
                "a value is NaN or infinite");
    }

    private void gradients(long step, Value norms) {
        List<Value> each = norms instanceof Value.Several several ? several.values() : List.of(norms);
        double squares = 0;
        double least = Double.POSITIVE_INFINITY;
        double most = 0;
        for (int i = 0; i < each.size(); i++) {
            if (each.get(i).number().isEmpty()) {
                return;
            }
            double norm = each.get(i).number().getAsDouble();
            squares += norm * norm;
            least = Math.min(least, norm);
            most = Math.max(most, norm);
            String name = i < parameters.size() ? parameters.get(i) : String.valueOf(i);
            check(
                    "zero-gradient:" + name,
                    streak("zero:" + name, norm == 0) >= 3,
                    step,
                    "The gradient of %s is exactly zero: nothing reaches it, or all its units are dead."
                            .formatted(name),
                    "the norm of a parameter's gradient is 0 for 3 values");
        }
        double total = Math.sqrt(squares);
        Window before = window("GradNorm", options.window());
        check(
                "vanishing-gradient",
                streak("vanishing", total < options.leastGradient()) >= 10,
                step,
                "The gradient is next to nothing. If the loss is still high, weights are initialised too small, or units are saturated.",
                "the gradient's norm is below %s for 10 values".formatted(options.leastGradient()));
        check(
                "exploding-gradient",
                before.isFull() && total > options.largestGradient() * before.median(),
                step,
                "The gradient is much longer than before: the learning rate is too high, or the batch holds something unusual. Clip gradients.",
                "the gradient's norm is above %s times the median of the %d values before"
                        .formatted(options.largestGradient(), options.window()));
        before.add(total);
        if (streak("first", true) == 1) {
            check(
                    "poor-initialisation",
                    each.size() > 1 && least > 0 && most / least > options.largestSpread(),
                    step,
                    "Gradients of some parameters are very much longer than those of others from the start: initialise weights by the layers' widths.",
                    "the largest norm of a parameter's gradient is above %s times the smallest at the first step"
                            .formatted(options.largestSpread()));
        }
    }

    private void updates(long step, Value ratios) {
        List<Value> each = ratios instanceof Value.Several several ? several.values() : List.of(ratios);
        for (int i = 0; i < each.size(); i++) {
            if (each.get(i).number().isEmpty()) {
                continue;
            }
            Window window = window("UpdateRatio:" + i, Math.max(1, options.window() / 5));
            window.add(each.get(i).number().getAsDouble());
            check(
                    "weights-do-not-move:" + i,
                    window.isFull() && window.mean() < options.leastUpdate(),
                    step,
                    "Weights of layer %d hardly move: its learning rate is too low, or no gradient reaches it."
                            .formatted(i),
                    "the mean of UpdateRatio is below %s".formatted(options.leastUpdate()));
            check(
                    "weights-move-too-fast:" + i,
                    window.isFull() && window.mean() > options.largestUpdate(),
                    step,
                    "Weights of layer %d change by a large part of themselves in every step: its learning rate is too high."
                            .formatted(i),
                    "the mean of UpdateRatio is above %s".formatted(options.largestUpdate()));
        }
    }

    private void loss(long step, double loss) {
        Window window = window("Loss", 2 * options.window());
        window.add(loss);
        if (window.isFull()) {
            double[] halves = window.halves();
            check(
                    "stalled",
                    halves[0] - halves[1] < options.leastFall() * Math.abs(halves[0]),
                    step,
                    "The loss no longer falls. Lower the learning rate if Alpha is above 0, raise it if it is near -1, or stop.",
                    "the mean loss of %d values is not below that of the %d before by a part of %s"
                            .formatted(options.window(), options.window(), options.leastFall()));
        }
    }

    private void ofEpoch(Map<String, Value> values) {
        number(values, "valid_loss", valid -> {
            double train = values.getOrDefault("train_loss", Value.of(Double.NaN))
                    .number()
                    .orElse(Double.NaN);
            boolean worse = valid > lastValidLoss && !(train > lastTrainLoss);
            check(
                    "over-training",
                    streak("valid", worse) >= options.epochs(),
                    lastStep,
                    "The loss of validation rises while that of training does not: stop, or go back to the best checkpoint.",
                    "the validation loss rises for %d epochs".formatted(options.epochs()));
            lastValidLoss = valid;
            lastTrainLoss = train;
        });
        number(
                values,
                "valid_accuracy",
                valid -> number(
                        values,
                        "train_accuracy",
                        train -> check(
                                "over-fitting",
                                train - valid > options.largestGap(),
                                lastStep,
                                "The network knows its training data much better than others: regularise, or train on more data.",
                                "the accuracy of training is above that of validation by more than %s"
                                        .formatted(options.largestGap()))));
    }

    private static void number(Map<String, Value> values, String label, java.util.function.DoubleConsumer action) {
        Value value = values.get(label);
        if (value != null) {
            value.number().ifPresent(action);
        }
    }

    private Window window(String name, int size) {
        return windows.computeIfAbsent(name, key -> new Window(size));
    }

    /** For how many times in a row something has been so. */
    private int streak(String name, boolean holds) {
        int length = holds ? streaks.getOrDefault(name, 0) + 1 : 0;
        streaks.put(name, length);
        return length;
    }

    private void check(String name, boolean isBroken, long step, String message, String rule) {
        if (!isBroken) {
            broken.remove(name);
        } else if (broken.add(name)) {
            raised.add(new Alarm(name.replaceAll(":.*", ""), step, message, rule));
        }
    }
}
