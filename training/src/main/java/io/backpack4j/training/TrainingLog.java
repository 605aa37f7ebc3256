// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training;

import java.util.Map;

/**
 * What a run says about itself, line by line. Values are numbers, lists and maps of them, {@code double[]}, or texts;
 * numbers that are not finite are written as missing.
 */
public interface TrainingLog extends AutoCloseable {

    /** Keeps nothing. */
    TrainingLog NONE = new TrainingLog() {
        @Override
        public void begin(Training training) {}

        @Override
        public void step(long step, Map<String, ?> values, Map<String, ?> details) {}

        @Override
        public void epoch(long epoch, Map<String, Double> values) {}

        @Override
        public void save(State state) {}

        @Override
        public void load(State state) {}

        @Override
        public void close() {}
    };

    /** Writes the first line, unless the log goes on. */
    void begin(Training training);

    /** Writes a line of a step. Several lines may carry one step: readers merge values by label, later ones win. */
    void step(long step, Map<String, ?> values, Map<String, ?> details);

    /** Writes a line of an epoch, from 1 on. */
    void epoch(long epoch, Map<String, Double> values);

    /** Makes sure that everything is written, and remembers where that ends. */
    void save(State state);

    /** Drops what was written behind the place that {@link #save} remembered. */
    void load(State state);

    @Override
    void close();
}
