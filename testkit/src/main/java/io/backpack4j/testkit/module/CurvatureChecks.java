// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.module;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.module.Curvature;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.module.Pullback;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.Numbers;
import io.backpack4j.testkit.TestContext;
import io.backpack4j.testkit.heap.HeapBackend;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.DoubleStream;

/**
 * Compares a module's curvature with differences of its way back: the second derivative by all inputs jointly, and that
 * by all parameters of a module that says that it is affine in them.
 */
final class CurvatureChecks {

    private static final double STEP = 1e-5;
    private static final double TOLERANCE = 1e-6;
    private static final int SPLIT = 3;

    private final JacobianChecks checks;
    private final int samples;
    private final List<Shape> inputShapes;
    private final double[] gradient;

    /** @param gradient of the loss at the output, {@code [1, N, *out]} */
    CurvatureChecks(JacobianChecks checks, int samples, List<Shape> inputShapes, double[] gradient) {
        this.checks = checks;
        this.samples = samples;
        this.inputShapes = inputShapes;
        this.gradient = gradient;
    }

    void run() {
        hessian().ifPresent(this::compareInputs);
        if (isAffineInParameters()) {
            compareParameters();
        }
    }

    private boolean isAffineInParameters() {
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            return checks.evaluate(backend, scope).isAffineInParameters();
        }
    }

    private void compareInputs(double[][] hessian) {
        int inputElements = hessian.length;
        double[][] expected = new double[inputElements][];
        int row = 0;
        for (double[] numbers : checks.inputs()) {
            for (int i = 0; i < numbers.length; i++) {
                expected[row++] = Arrays.copyOf(slopes(numbers, i), inputElements);
            }
        }
        Numbers.assertClose(checks + ", curvature", Numbers.joined(hessian), Numbers.joined(expected), TOLERANCE);
    }

    private void compareParameters() {
        int inputElements =
                checks.inputs().stream().mapToInt(numbers -> numbers.length).sum();
        int all = pulledBack().length;
        for (ParameterSpec spec : checks.trained()) {
            double[] numbers = checks.values(spec);
            for (int i = 0; i < numbers.length; i++) {
                double[] ofParameters = Arrays.copyOfRange(slopes(numbers, i), inputElements, all);
                Numbers.assertClose(
                        checks + ", second derivative by parameters in which the module is affine",
                        ofParameters,
                        new double[all - inputElements],
                        TOLERANCE);
            }
        }
    }

    /** The whole second derivative by all inputs of all samples, if the module has one. */
    private Optional<double[][]> hessian() {
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            Evaluation evaluation = checks.evaluate(backend, scope);
            Tensor given = upload(backend, scope);
            EvaluationContext context = TestContext.of(backend, scope, samples);
            Optional<Curvature> said = evaluation.curvature(context, given);
            if (said.isEmpty()) {
                return Optional.empty();
            }
            Curvature curvature = said.get();
            assertThat(given.toDoubleArray()).as("cotangents afterwards").containsExactly(gradient);
            given.close();
            double[][] hessian = new double
                    [checks.inputs().stream()
                            .mapToInt(numbers -> numbers.length)
                            .sum()][];
            Arrays.setAll(hessian, row -> new double[hessian.length]);
            long count = curvature.columns();
            for (long from = 0; from < count; from += SPLIT) {
                add(curvature.columns(context, from, Math.min(count, from + SPLIT)), hessian);
            }
            if (count > 0) {
                compareBlocks(curvature, context, hessian);
            }
            return Optional.of(hessian);
        }
    }

    /** All columns at once are those that come in blocks. */
    private static void compareBlocks(Curvature curvature, EvaluationContext context, double[][] hessian) {
        double[][] whole = new double[hessian.length][hessian.length];
        add(curvature.columns(context, 0, curvature.columns()), hessian.length, whole);
        Numbers.assertClose("all columns at once", Numbers.joined(whole), Numbers.joined(hessian), 1e-12);
    }

    private void add(Curvature.Columns columns, double[][] hessian) {
        long count = columns.weights().shape().size(0);
        assertThat(columns.weights().shape()).as("weights").isEqualTo(Shape.of(count, samples));
        assertThat(columns.inputs()).as("inputs").hasSameSizeAs(inputShapes);
        for (int input = 0; input < inputShapes.size(); input++) {
            assertThat(columns.inputs().get(input).shape())
                    .as("columns")
                    .isEqualTo(inputShapes.get(input).prepend(count));
        }
        add(columns, hessian.length, hessian);
    }

    /** Σ_v w_vn r_vn r_vnᵀ. Inputs stand behind each other, each with its samples behind each other. */
    private static void add(Curvature.Columns columns, int size, double[][] hessian) {
        double[] weights = columns.weights().toDoubleArray();
        int count = (int) columns.weights().shape().size(0);
        int samples = (int) columns.weights().shape().size(1);
        List<double[]> vectors = new ArrayList<>();
        for (Tensor input : columns.inputs()) {
            vectors.add(input.toDoubleArray());
        }
        for (int v = 0; v < count; v++) {
            for (int n = 0; n < samples; n++) {
                double[] column = new double[size];
                int start = 0;
                for (double[] input : vectors) {
                    int perSample = input.length / (count * samples);
                    System.arraycopy(input, (v * samples + n) * perSample, column, start + n * perSample, perSample);
                    start += samples * perSample;
                }
                for (int i = 0; i < size; i++) {
                    for (int j = 0; column[i] != 0 && j < size; j++) {
                        hessian[i][j] += weights[v * samples + n] * column[i] * column[j];
                    }
                }
            }
        }
    }

    /** How everything that is pulled back changes with one number, by a central difference. */
    private double[] slopes(double[] numbers, int index) {
        double old = numbers[index];
        numbers[index] = old + STEP;
        double[] slopes = pulledBack();
        numbers[index] = old - STEP;
        double[] low = pulledBack();
        numbers[index] = old;
        for (int i = 0; i < slopes.length; i++) {
            slopes[i] = (slopes[i] - low[i]) / (2 * STEP);
        }
        return slopes;
    }

    /** The gradient of all inputs, then the individual gradients of all parameters. */
    private double[] pulledBack() {
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            Pullback pullback = checks.evaluate(backend, scope)
                    .pullback(TestContext.of(backend, scope, samples), upload(backend, scope));
            DoubleStream.Builder all = DoubleStream.builder();
            for (int input = 0; input < inputShapes.size(); input++) {
                Arrays.stream(pullback.input(input).toDoubleArray()).forEach(all);
            }
            for (ParameterSpec spec : checks.trained()) {
                Tensor gradients = scope.allocate(spec.shape().prepend(1, samples), DType.FLOAT64);
                pullback.parameter(spec.name()).perSample(new Block(0, 1, 0, samples), gradients);
                Arrays.stream(gradients.toDoubleArray()).forEach(all);
            }
            return all.build().toArray();
        }
    }

    private Tensor upload(HeapBackend backend, TensorScope scope) {
        return backend.upload(scope, checks.output().prepend(1), DType.FLOAT64, gradient);
    }
}
