// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training;

import io.backpack4j.spi.BackpackException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/** Watches whether a value becomes better: for the best checkpoint and early stopping. */
final class Monitor {

    private static final String LOSS = "loss";

    private final Optional<String> named;
    private final OptionalLong patience;
    private final List<Metric> metrics;
    private double best = Double.NaN;
    private long worse;

    Monitor(Optional<String> named, OptionalLong patience, List<Metric> metrics) {
        this.named = named;
        this.patience = patience;
        this.metrics = List.copyOf(metrics);
    }

    /** The watched one of an epoch's values; NaN if it was not computed in this epoch. */
    double value(Map<String, Double> values, boolean validates) {
        String name = named.orElse(validates ? "valid_loss" : "train_loss");
        boolean waits = validates && name.startsWith("valid_");
        Double value = values.get(name);
        if (value == null && !(waits && isComputed(name))) {
            throw new BackpackException(
                    TrainingProblems.UNKNOWN_METRIC,
                    "'%s' is to be watched, but is not computed. Computed are: %s."
                            .formatted(name, String.join(", ", values.keySet())));
        }
        return value == null ? Double.NaN : value;
    }

    private boolean isComputed(String name) {
        return name.equals("valid_" + LOSS)
                || metrics.stream().anyMatch(metric -> name.equals("valid_" + metric.name()));
    }

    /** Takes note of a value; whether it is the best so far. */
    boolean improves(double value) {
        if (Double.isNaN(value)) {
            worse++;
            return false;
        }
        boolean better = Double.isNaN(best) || (higherIsBetter() ? value > best : value < best);
        best = better ? value : best;
        worse = better ? 0 : worse + 1;
        return better;
    }

    private boolean higherIsBetter() {
        return named.isPresent()
                && metrics.stream()
                        .anyMatch(metric -> metric.higherIsBetter()
                                && (named.get().equals("valid_" + metric.name())
                                        || named.get().equals("train_" + metric.name())));
    }

    /** Why training should end, if it should. */
    Optional<String> stops() {
        return patience.isPresent() && worse >= patience.getAsLong()
                ? Optional.of("not better for %d validations".formatted(worse))
                : Optional.empty();
    }

    void save(State state) {
        state.put("best", best);
        state.put("worse", worse);
    }

    void load(State state) {
        best = state.number("best");
        worse = state.integer("worse");
    }
}
