// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.operators;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Linearization;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.loss.LossEvaluation;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.RealMatrix;

/**
 * Random Jacobians and curvature of samples, kept as dense matrices on the host: all that operators know of a network.
 * Counts what is open.
 */
final class FakeNetwork {

    static final Map<String, Shape> PARAMETERS = new LinkedHashMap<>();

    static {
        PARAMETERS.put("0.weight", Shape.of(3, 2));
        PARAMETERS.put("0.bias", Shape.of(3));
        PARAMETERS.put("1.weight", Shape.of(2, 1, 2));
        PARAMETERS.put("scale", Shape.of());
    }

    static final int SIZE = 14;
    static final Shape OUT = Shape.of(2, 1);

    private final Backend backend;
    private final Map<Batch, Part> parts = new LinkedHashMap<>();
    private int open;
    private int made;
    private long lastSeed;
    private PassOptions lastOptions = PassOptions.DEFAULT;

    /** What is known of a batch: the Jacobian of all outputs, and matrices of the unreduced loss. */
    private record Part(int samples, RealMatrix jacobian, Map<Class<?>, RealMatrix> matrices) {}

    /** A loss of which nothing but its reduction is asked. */
    record MeanLoss() implements Loss {
        @Override
        public void validate(Shape output, Shape targets, DType targetType) {}

        @Override
        public double normaliser(Shape output, Tensor targets) {
            return 1.0 / output.size(0);
        }

        @Override
        public double normaliserOfAll(double... ofBatches) {
            return LossReduction.MEAN.normaliserOfAll(ofBatches);
        }

        @Override
        public LossEvaluation evaluate(EvaluationContext context, Tensor output, Tensor targets, double normaliser) {
            throw new AssertionError("not evaluated");
        }
    }

    private record FakeBatch(long[] sampleIds) implements Batch {
        @Override
        public Map<String, Tensor> inputs() {
            return Map.of();
        }

        @Override
        public Tensor targets() {
            throw new AssertionError("not looked at");
        }

        @Override
        public void close() {}
    }

    FakeNetwork(Backend backend, Random random, int... samples) {
        this.backend = backend;
        for (int count : samples) {
            Map<Class<?>, RealMatrix> matrices = new LinkedHashMap<>();
            matrices.put(CurvatureMatrix.Hessian.class, Matrices.symmetric(Matrices.normal(random, SIZE, SIZE)));
            matrices.put(CurvatureMatrix.GaussNewton.class, Matrices.semidefinite(random, SIZE, count));
            matrices.put(CurvatureMatrix.SampledGaussNewton.class, Matrices.semidefinite(random, SIZE, count));
            matrices.put(CurvatureMatrix.EmpiricalFisher.class, Matrices.semidefinite(random, SIZE, count));
            matrices.put(CurvatureMatrix.PositiveCurvature.class, Matrices.semidefinite(random, SIZE, count));
            RealMatrix jacobian = Matrices.normal(random, (int) (count * OUT.elements()), SIZE);
            parts.put(new FakeBatch(new long[count]), new Part(count, jacobian, matrices));
        }
    }

    Objective objective() {
        return new Objective(
                backend,
                new MeanLoss(),
                (options, seed) -> {
                    lastOptions = options;
                    lastSeed = seed;
                    return this::linearize;
                },
                List.copyOf(parts.keySet()),
                List.of("*"),
                PassOptions.DEFAULT,
                0);
    }

    int open() {
        return open;
    }

    int made() {
        return made;
    }

    long lastSeed() {
        return lastSeed;
    }

    PassOptions lastOptions() {
        return lastOptions;
    }

    /** The matrix of the loss over all samples. */
    RealMatrix expected(Class<? extends CurvatureMatrix> type) {
        RealMatrix sum = new Array2DRowRealMatrix(SIZE, SIZE);
        int samples = 0;
        for (Part part : parts.values()) {
            sum = sum.add(part.matrices.get(type));
            samples += part.samples;
        }
        return sum.scalarMultiply(1.0 / samples);
    }

    /** All outputs' Jacobian, batch after batch. */
    RealMatrix expectedJacobian() {
        List<double[]> rows = new ArrayList<>();
        parts.values().forEach(part -> rows.addAll(Arrays.asList(part.jacobian.getData())));
        return new Array2DRowRealMatrix(rows.toArray(new double[0][]));
    }

    private Linearization linearize(Batch batch, List<CurvatureMatrix> matrices) {
        open++;
        made++;
        return new Fake(parts.get(batch), matrices);
    }

    private final class Fake implements Linearization {

        private final Part part;
        private final List<CurvatureMatrix> matrices;
        private boolean closed;

        Fake(Part part, List<CurvatureMatrix> matrices) {
            this.part = part;
            this.matrices = matrices;
        }

        @Override
        public Map<String, Shape> parameters() {
            return PARAMETERS;
        }

        @Override
        public Shape outputShape() {
            return OUT.prepend(part.samples);
        }

        @Override
        public DType dtype() {
            return DType.FLOAT64;
        }

        @Override
        public double normaliser() {
            return 1.0 / part.samples;
        }

        @Override
        public void pushforward(Map<String, Tensor> tangents, Tensor destination) {
            assertThat(closed).isFalse();
            double[] products = Matrices.flat(read(tangents).multiply(part.jacobian.transpose()));
            assertThat(destination.shape().dropFirst(1)).isEqualTo(outputShape());
            destination.write(0, products, 0, products.length);
        }

        @Override
        public void pullback(Tensor cotangents, Map<String, Tensor> destinations) {
            assertThat(closed).isFalse();
            assertThat(cotangents.shape().dropFirst(1)).isEqualTo(outputShape());
            add(Matrices.matrix(cotangents).multiply(part.jacobian), destinations);
        }

        @Override
        public void multiply(
                CurvatureMatrix matrix, double scale, Map<String, Tensor> tangents, Map<String, Tensor> destinations) {
            assertThat(closed).isFalse();
            assertThat(matrices).contains(matrix);
            RealMatrix reduced = part.matrices.get(matrix.getClass()).scalarMultiply(normaliser() * scale);
            add(read(tangents).multiply(reduced), destinations);
        }

        @Override
        public void close() {
            assertThat(closed).isFalse();
            closed = true;
            open--;
        }

        /** Vectors of all parameters; those that are not there stand still. */
        private RealMatrix read(Map<String, Tensor> tangents) {
            int count = (int) tangents.values().iterator().next().shape().size(0);
            RealMatrix flat = new Array2DRowRealMatrix(count, SIZE);
            int first = 0;
            for (var entry : PARAMETERS.entrySet()) {
                Tensor part = tangents.get(entry.getKey());
                if (part != null) {
                    assertThat(part.shape()).isEqualTo(entry.getValue().prepend(count));
                    double[] values = part.toDoubleArray();
                    int length = (int) entry.getValue().elements();
                    for (int i = 0; i < values.length; i++) {
                        flat.setEntry(i / length, first + i % length, values[i]);
                    }
                }
                first += (int) entry.getValue().elements();
            }
            return flat;
        }

        private void add(RealMatrix flat, Map<String, Tensor> destinations) {
            int first = 0;
            for (var entry : PARAMETERS.entrySet()) {
                int length = (int) entry.getValue().elements();
                Tensor destination = destinations.get(entry.getKey());
                if (destination != null) {
                    double[] values = destination.toDoubleArray();
                    for (int i = 0; i < values.length; i++) {
                        values[i] += flat.getEntry(i / length, first + i % length);
                    }
                    destination.write(0, values, 0, values.length);
                }
                first += length;
            }
        }
    }
}
