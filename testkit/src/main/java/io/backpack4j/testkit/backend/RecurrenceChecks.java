// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.backend;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.LstmCotangents;
import io.backpack4j.spi.backend.LstmSweep;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.Numbers;
import io.backpack4j.testkit.Randomness;
import java.util.List;
import java.util.Random;

/** Recurrent layers beside those of another backend, beside plain loops, and their cotangents beside differences. */
record RecurrenceChecks(BackendComparison both) {

    /**
     * Sizes of a case.
     *
     * @param steps T
     * @param samples N
     * @param hidden H
     * @param columns V
     */
    private record Sizes(int steps, int samples, int hidden, int columns, boolean isReverse) {

        Shape states() {
            return Shape.of(steps + 1, samples, hidden);
        }

        Shape gates() {
            return Shape.of(4, steps, samples, hidden);
        }

        int initial() {
            return isReverse ? steps : 0;
        }
    }

    private static final List<Sizes> SIZES = List.of(
            new Sizes(3, 2, 3, 1, false),
            new Sizes(1, 1, 2, 3, true),
            new Sizes(3, 16, 24, 1, true),
            new Sizes(2, 13, 21, 3, false),
            new Sizes(3, 205, 47, 1, false),
            new Sizes(3, 70, 47, 3, true));

    void goesThroughTime() {
        for (Sizes sizes : SIZES) {
            both.compare("long short-term memory of " + sizes, side -> {
                LstmSweep sweep = new LstmSweep(
                        sizes.isReverse(),
                        side.tensor(4L * sizes.hidden(), sizes.hidden()),
                        side.tensor(sizes.gates()),
                        side.tensor(sizes.states()),
                        side.tensor(sizes.states()),
                        side.dirty(sizes.steps(), sizes.samples(), sizes.hidden()));
                side.backend().recurrences().lstm(sweep);
                Tensor d = side.tensor(sizes.steps(), sizes.columns(), sizes.samples(), sizes.hidden());
                LstmCotangents cotangents = new LstmCotangents(
                        d,
                        side.dirty(sizes.columns(), sizes.samples(), sizes.steps(), 4L * sizes.hidden()),
                        side.dirty(sizes.columns(), sizes.samples(), sizes.hidden()),
                        side.dirty(sizes.columns(), sizes.samples(), sizes.hidden()));
                side.backend().recurrences().lstmPullback(sweep, cotangents);
                return List.of(
                        sweep.gates(),
                        sweep.h(),
                        sweep.memory(),
                        sweep.bounded(),
                        cotangents.gates(),
                        cotangents.h(),
                        cotangents.memory());
            });
        }
    }

    void equalsLoopsAndDifferences() {
        for (Sizes sizes : SIZES) {
            for (DType dtype : List.of(DType.FLOAT64, DType.FLOAT32)) {
                equalsLoopsAndDifferences(sizes, dtype);
            }
        }
    }

    private void equalsLoopsAndDifferences(Sizes sizes, DType dtype) {
        Backend backend = both.backend();
        Random random = new Random(sizes.hashCode());
        double[] weight = Randomness.normal(random, 4L * sizes.hidden() * sizes.hidden());
        double[] gates = Randomness.normal(random, sizes.gates().elements());
        double[] h = Randomness.normal(random, sizes.states().elements());
        double[] memory = Randomness.normal(random, sizes.states().elements());
        int state = sizes.samples() * sizes.hidden();
        double[] d = Randomness.normal(random, (long) sizes.steps() * sizes.columns() * state);
        double tolerance = dtype == DType.FLOAT64 ? 1e-7 : 2e-5;
        String what = "long short-term memory of " + sizes + ", " + dtype;
        try (TensorScope scope = backend.openScope()) {
            LstmSweep sweep = new LstmSweep(
                    sizes.isReverse(),
                    backend.upload(scope, Shape.of(4L * sizes.hidden(), sizes.hidden()), dtype, weight),
                    backend.upload(scope, sizes.gates(), dtype, gates),
                    backend.upload(scope, sizes.states(), dtype, h),
                    backend.upload(scope, sizes.states(), dtype, memory),
                    scope.allocate(Shape.of(sizes.steps(), sizes.samples(), sizes.hidden()), dtype));
            backend.recurrences().lstm(sweep);
            Numbers.assertClose(what, sweep.h().toDoubleArray(), loops(sizes, weight, gates, h, memory), tolerance);
            Shape columns = Shape.of(sizes.columns(), sizes.samples(), sizes.hidden());
            LstmCotangents cotangents = new LstmCotangents(
                    backend.upload(scope, columns.prepend(sizes.steps()), dtype, d),
                    scope.allocate(
                            Shape.of(sizes.columns(), sizes.samples(), sizes.steps(), 4L * sizes.hidden()), dtype),
                    scope.allocate(columns, dtype),
                    scope.allocate(columns, dtype));
            backend.recurrences().lstmPullback(sweep, cotangents);
            double[] ofGates = cotangents.gates().toDoubleArray();
            double[] ofH = cotangents.h().toDoubleArray();
            double[] ofMemory = cotangents.memory().toDoubleArray();
            for (int draw = 0; draw < 20; draw++) {
                int v = random.nextInt(sizes.columns());
                int n = random.nextInt(sizes.samples());
                int t = random.nextInt(sizes.steps());
                int gate = random.nextInt(4);
                int j = random.nextInt(sizes.hidden());
                int place = (n * sizes.hidden()) + j;
                int initial = sizes.initial() * state + place;
                int ofGate = (gate * sizes.steps() + t) * state + place;
                double[] actual = {
                    ofGates[(((v * sizes.samples() + n) * sizes.steps() + t) * 4 + gate) * sizes.hidden() + j],
                    ofH[v * state + place],
                    ofMemory[v * state + place]
                };
                double[] expected = {
                    difference(gates, ofGate, () -> weighted(sizes, v, d, loops(sizes, weight, gates, h, memory))),
                    difference(h, initial, () -> weighted(sizes, v, d, loops(sizes, weight, gates, h, memory))),
                    difference(memory, initial, () -> weighted(sizes, v, d, loops(sizes, weight, gates, h, memory)))
                };
                Numbers.assertClose(what + ", gate %d at %d".formatted(gate, t), actual, expected, 10 * tolerance);
            }
        }
    }

    private interface Value {
        double get();
    }

    private static double difference(double[] numbers, int at, Value value) {
        double kept = numbers[at];
        double step = 1e-5;
        numbers[at] = kept + step;
        double above = value.get();
        numbers[at] = kept - step;
        double below = value.get();
        numbers[at] = kept;
        return (above - below) / (2 * step);
    }

    /** Σ d · h over all steps, for one column. */
    private static double weighted(Sizes sizes, int v, double[] d, double[] h) {
        int state = sizes.samples() * sizes.hidden();
        double sum = 0;
        for (int t = 0; t < sizes.steps(); t++) {
            int after = sizes.isReverse() ? t : t + 1;
            for (int i = 0; i < state; i++) {
                sum += d[(t * sizes.columns() + v) * state + i] * h[after * state + i];
            }
        }
        return sum;
    }

    /** All states h, the initial ones among them. */
    private static double[] loops(Sizes sizes, double[] weight, double[] gates, double[] h, double[] memory) {
        int hidden = sizes.hidden();
        int state = sizes.samples() * hidden;
        double[] states = h.clone();
        double[] cells = memory.clone();
        for (int i = 0; i < sizes.steps(); i++) {
            int t = sizes.isReverse() ? sizes.steps() - 1 - i : i;
            int before = (sizes.isReverse() ? t + 1 : t) * state;
            int after = (sizes.isReverse() ? t : t + 1) * state;
            for (int n = 0; n < sizes.samples(); n++) {
                for (int j = 0; j < hidden; j++) {
                    int place = n * hidden + j;
                    double[] a = new double[4];
                    for (int gate = 0; gate < 4; gate++) {
                        a[gate] = gates[(gate * sizes.steps() + t) * state + place];
                        for (int k = 0; k < hidden; k++) {
                            a[gate] += weight[(gate * hidden + j) * hidden + k] * states[before + n * hidden + k];
                        }
                    }
                    double c = sigmoid(a[1]) * cells[before + place] + sigmoid(a[0]) * Math.tanh(a[2]);
                    cells[after + place] = c;
                    states[after + place] = sigmoid(a[3]) * Math.tanh(c);
                }
            }
        }
        return states;
    }

    private static double sigmoid(double x) {
        return 1 / (1 + Math.exp(-x));
    }
}
