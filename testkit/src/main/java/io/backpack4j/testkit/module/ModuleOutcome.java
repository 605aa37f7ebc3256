// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.module;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.testkit.Numbers;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * What came out of a {@link ModuleRun}.
 *
 * @param output the output
 * @param columns by name: cotangents of inputs, per-sample gradients, what was pushed forward and the changes of the
 *     inputs' cotangents, each {@code [V, N, *]}; sums of gradients and of their changes, {@code [V, *]}
 */
record ModuleOutcome(double[] output, Map<String, double[]> columns) {

    static final String SUM = "sum";

    double[] columns(String name) {
        double[] values = columns.get(name);
        return values == null ? new double[0] : values;
    }

    void assertCloseTo(ModuleOutcome expected, double tolerance) {
        Numbers.assertClose("output", output, expected.output, tolerance);
        assertThat(columns.keySet()).isEqualTo(expected.columns.keySet());
        expected.columns.forEach((name, values) -> Numbers.assertClose(name, columns(name), values, tolerance));
    }

    /** Two chunks as one: samples stand behind each other in every column, sums add. */
    static ModuleOutcome joined(ModuleOutcome first, ModuleOutcome second, int columns) {
        Map<String, double[]> all = new LinkedHashMap<>();
        first.columns.forEach((name, a) -> {
            double[] b = second.columns(name);
            all.put(name, name.startsWith(SUM) ? sum(a, b) : interleaved(a, b, columns));
        });
        return new ModuleOutcome(interleaved(first.output, second.output, 1), all);
    }

    private static double[] sum(double[] a, double[] b) {
        return IntStream.range(0, a.length).mapToDouble(i -> a[i] + b[i]).toArray();
    }

    private static double[] interleaved(double[] a, double[] b, int columns) {
        double[] result = new double[a.length + b.length];
        int left = a.length / columns;
        int right = b.length / columns;
        for (int column = 0; column < columns; column++) {
            System.arraycopy(a, column * left, result, column * (left + right), left);
            System.arraycopy(b, column * right, result, column * (left + right) + left, right);
        }
        return result;
    }
}
