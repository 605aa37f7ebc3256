// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training;

import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.HostTensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The loss and all metrics, averaged over samples. */
final class Scores {

    private final String prefix;
    private final List<Metric> metrics;
    private final List<Metric.Sum> sums = new ArrayList<>();
    private double loss;
    private double weight;

    /**
     * Starts at nothing.
     *
     * @param prefix of names, such as {@code train_}
     */
    Scores(String prefix, List<Metric> metrics) {
        this.prefix = prefix;
        this.metrics = List.copyOf(metrics);
        metrics.forEach(metric -> sums.add(metric.start()));
    }

    /** Adds the loss of a batch. */
    void addLoss(double ofBatch, double samples) {
        loss += ofBatch * samples;
        weight += samples;
    }

    /** Adds outputs. */
    void add(Shape shape, double[] outputs, HostTensor targets) {
        sums.forEach(sum -> sum.add(shape, outputs, targets));
    }

    /** Whether outputs are looked at. */
    boolean needsOutputs() {
        return !sums.isEmpty();
    }

    double loss() {
        return loss / weight;
    }

    void putInto(Map<String, Double> values) {
        values.put(prefix + "loss", loss());
        for (int i = 0; i < metrics.size(); i++) {
            values.put(prefix + metrics.get(i).name(), sums.get(i).value());
        }
    }

    void save(State state) {
        state.put("loss", loss);
        state.put("weight", weight);
        for (int i = 0; i < metrics.size(); i++) {
            sums.get(i).save(state.at(metrics.get(i).name()));
        }
    }

    void load(State state) {
        loss = state.number("loss");
        weight = state.number("weight");
        for (int i = 0; i < metrics.size(); i++) {
            sums.get(i).load(state.at(metrics.get(i).name()));
        }
    }
}
