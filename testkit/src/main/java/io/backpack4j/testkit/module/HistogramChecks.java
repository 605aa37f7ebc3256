// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.module;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.ContractionTask;
import io.backpack4j.spi.module.Operand;
import io.backpack4j.spi.module.ParameterDerivatives;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.Randomness;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Compares histograms of derivatives, count by count, with those of the gradients that the same derivatives make. */
public final class HistogramChecks {

    private static final long OLD = 3;
    private static final Operand RANGE = Operand.ofRun("range");

    private final Backend backend;
    private final ParameterDerivatives derivatives;
    private final Random random;
    private final Shape parameter;

    /** Prepares a comparison. */
    public HistogramChecks(Backend backend, ParameterDerivatives derivatives, Random random) {
        this.backend = backend;
        this.derivatives = derivatives;
        this.random = random;
        this.parameter = derivatives.parameter();
    }

    /**
     * Compares both kinds, alone and together, within the gradients, around them and beside them, in few bins and in
     * many.
     */
    public void run() {
        double[] gradients = gradients();
        double largest = Math.max(
                1e-3,
                Arrays.stream(gradients)
                        .map(Math::abs)
                        .filter(Double::isFinite)
                        .max()
                        .orElse(0));
        double[] values = rounded(Randomness.normal(random, parameter.elements()));
        for (double width : new double[] {0.3, 1, 4}) {
            for (int bins : new int[] {1 + random.nextInt(8), 2 * (1 + random.nextInt(20))}) {
                double factor = random.nextBoolean() ? 1 : 0.1 + random.nextDouble();
                boolean symmetric = random.nextBoolean();
                double high = largest * width;
                double low = symmetric ? -high : -high * random.nextDouble();
                double[] ranges = rounded(low / factor, high / factor, -1, 1.5);
                compare(new Case(bins, 1 + random.nextInt(6), ranges, factor, values), gradients);
            }
        }
        // All on one side.
        double[] above = rounded(2 * largest, 3 * largest, -1, 1);
        compare(new Case(5, 3, above, 1, values), gradients);
    }

    private record Case(int bins, int binsOfValues, double[] ranges, double factor, double[] values) {}

    private double[] gradients() {
        try (TensorScope scope = backend.openScope()) {
            Tensor all = scope.allocate(
                    parameter.prepend(derivatives.columns(), derivatives.samples()), derivatives.dtype());
            derivatives.execute(List.of(new ContractionTask(new Contraction.PerSample(), List.of(all), null, false)));
            return all.toDoubleArray();
        }
    }

    private double[] rounded(double... values) {
        return derivatives.dtype() == DType.FLOAT32
                ? Arrays.stream(values).map(value -> (float) value).toArray()
                : values;
    }

    private void compare(Case given, double[] gradients) {
        boolean accumulate = random.nextBoolean();
        double[] scaled = given.ranges.clone();
        scaled[0] *= given.factor;
        scaled[1] *= given.factor;
        var histogram = new Contraction.Histogram(given.bins, RANGE);
        var joint = new Contraction.JointHistogram(given.bins, given.binsOfValues, RANGE);
        GradientOracle oracle =
                new GradientOracle((int) derivatives.columns(), (int) derivatives.samples(), parameter, gradients);
        double[] counts = oracle.compute(histogram, scaled).get(0);
        double[] pairs = oracle.compute(joint, scaled, given.values).get(0);
        try (TensorScope scope = backend.openScope()) {
            DType dtype = derivatives.dtype();
            Tensor ranges = backend.upload(scope, Shape.of(2, 2), dtype, given.ranges);
            Tensor range = backend.upload(scope, Shape.of(2), dtype, Arrays.copyOf(given.ranges, 2));
            Tensor values = backend.upload(scope, parameter, dtype, given.values);
            List<ContractionTask> tasks = new ArrayList<>();
            tasks.add(new ContractionTask(
                    histogram, List.of(destination(scope, histogram)), range, accumulate, given.factor, null));
            tasks.add(new ContractionTask(
                    joint, List.of(destination(scope, joint)), ranges, accumulate, given.factor, values));
            if (random.nextBoolean()) {
                derivatives.execute(tasks);
            } else {
                tasks.forEach(task -> derivatives.execute(List.of(task)));
            }
            requireEqual(given, accumulate, tasks.get(0).destination(), counts);
            requireEqual(given, accumulate, tasks.get(1).destination(), pairs);
        }
    }

    private Tensor destination(TensorScope scope, Contraction contraction) {
        Shape shape = contraction
                .shapes(derivatives.columns(), derivatives.samples(), parameter)
                .get(0);
        Tensor destination = scope.allocate(shape, contraction.resultType(derivatives.dtype()));
        backend.elementwise().fill(destination, OLD);
        return destination;
    }

    private static void requireEqual(Case given, boolean accumulate, Tensor actual, double[] expected) {
        long[] counts = actual.toLongArray();
        long[] wanted = Arrays.stream(expected)
                .mapToLong(count -> (long) count + (accumulate ? OLD : 0))
                .toArray();
        if (!Arrays.equals(counts, wanted)) {
            throw new AssertionError("Counts of %d bins, ranges %s and factor %s: %s instead of %s"
                    .formatted(
                            given.bins,
                            Arrays.toString(given.ranges),
                            given.factor,
                            Arrays.toString(counts),
                            Arrays.toString(wanted)));
        }
    }
}
