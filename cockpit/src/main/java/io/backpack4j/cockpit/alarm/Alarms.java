// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.alarm;

import io.backpack4j.cockpit.log.LogLine;
import io.backpack4j.cockpit.log.RunLog;
import io.backpack4j.cockpit.quantity.Value;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Listens to the lines of a log and raises alarms. A rule that is broken raises one, and the next only when it was kept
 * in between. Used by one thread.
 */
public final class Alarms implements Consumer<LogLine> {

    /** The quantity that each alarm is of; none for those of epochs and those of whatever is tracked. */
    private static final Map<String, Optional<String>> QUANTITIES = quantities();

    /** All names of alarms. */
    public static final List<String> NAMES = List.copyOf(QUANTITIES.keySet());

    private final AlarmBook book = new AlarmBook();
    private final LossRules losses;
    private final List<Consumer<LoggedStep>> rules;
    private List<String> parameters = List.of();
    private long lastStep;

    public Alarms(AlarmOptions options) {
        losses = new LossRules(book, options);
        rules = List.of(
                this::notFinite,
                new StepRules(book, options)::check,
                new GradientRules(book, options)::check,
                new UnitRules(book, options)::check,
                new DataRules(book, options)::check,
                losses::check);
    }

    private static Map<String, Optional<String>> quantities() {
        Map<String, Optional<String>> quantities = new LinkedHashMap<>();
        quantities.put("step-too-large", Optional.of("Alpha"));
        quantities.put("batch-too-small", Optional.of("NormTest"));
        quantities.put("vanishing-gradient", Optional.of("GradNorm"));
        quantities.put("exploding-gradient", Optional.of("GradNorm"));
        quantities.put("poor-initialisation", Optional.of("GradNorm"));
        quantities.put("zero-gradient", Optional.of("GradNorm"));
        quantities.put("saturated-units", Optional.of("Saturation"));
        quantities.put("dead-units", Optional.of("DeadUnits"));
        quantities.put("layer-of-zeros", Optional.of("DeadUnits"));
        quantities.put("weights-do-not-move", Optional.of("UpdateRatio"));
        quantities.put("weights-move-too-fast", Optional.of("UpdateRatio"));
        quantities.put("loss-does-not-fall", Optional.of("Loss"));
        quantities.put("stalled", Optional.of("Loss"));
        quantities.put("over-training", Optional.empty());
        quantities.put("over-fitting", Optional.empty());
        quantities.put("unbalanced-classes", Optional.of("ClassBalance"));
        quantities.put("unnormalised-inputs", Optional.of("InputScale"));
        quantities.put("not-finite", Optional.empty());
        return quantities;
    }

    /**
     * The quantities that alarms are of. Those of epochs need validation, and {@code not-finite} hears of whatever is
     * tracked.
     */
    public static Set<String> quantitiesOf(Collection<String> names) {
        Set<String> types = new LinkedHashSet<>();
        for (String name : names) {
            QUANTITIES.getOrDefault(name, Optional.empty()).ifPresent(types::add);
        }
        return types;
    }

    /** The alarms of a log. */
    public static List<Alarm> of(RunLog log, AlarmOptions options) {
        Alarms alarms = new Alarms(options);
        log.lines().forEach(alarms);
        return alarms.raised();
    }

    /** All so far, in their order. */
    public List<Alarm> raised() {
        return book.raised();
    }

    @Override
    public void accept(LogLine line) {
        if (line.fields().get("parameters") instanceof List<?> list) {
            parameters = list.stream().map(String::valueOf).toList();
        }
        Map<String, Value> values = new LinkedHashMap<>();
        line.values().forEach((label, json) -> values.put(label, Value.ofJson(json)));
        line.step().ifPresent(number -> {
            lastStep = Math.max(lastStep, number);
            LoggedStep step = new LoggedStep(number, values, line.details(), parameters);
            rules.forEach(rule -> rule.accept(step));
        });
        line.epoch().ifPresent(epoch -> losses.check(lastStep, values));
    }

    private void notFinite(LoggedStep step) {
        step.values().keySet().forEach(label -> {
            List<String> which = new ArrayList<>();
            step.named(label).forEach((name, value) -> {
                if (value instanceof Value.Missing missing
                        && (missing.reason().contains("NaN") || missing.reason().contains("infinite"))) {
                    which.add(name);
                }
            });
            List<String> names =
                    which.stream().filter(name -> !name.equals("*")).toList();
            String samples = step.details(label).get("not_finite_samples") instanceof List<?> ids
                    ? " Samples: %s.".formatted(ids)
                    : "";
            book.check(
                    "not-finite:" + label,
                    !which.isEmpty(),
                    step.number(),
                    () -> "%s is not finite%s.%s Lower the learning rate, or look for inputs that are not finite."
                            .formatted(label, names.isEmpty() ? "" : " for " + String.join(", ", names), samples),
                    () -> "a value is NaN or infinite");
        });
    }
}
