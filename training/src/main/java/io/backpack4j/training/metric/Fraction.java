// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.metric;

import io.backpack4j.training.Metric;
import io.backpack4j.training.State;

/** A sum by a number of terms. */
abstract class Fraction implements Metric.Sum {

    private double sum;
    private double terms;

    final void add(double term) {
        sum += term;
        terms++;
    }

    @Override
    public final double value() {
        return sum / terms;
    }

    @Override
    public final void save(State state) {
        state.put("fraction", sum, terms);
    }

    @Override
    public final void load(State state) {
        sum = state.numbers("fraction")[0];
        terms = state.numbers("fraction")[1];
    }
}
