// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.module;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.module.Pullback;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.Numbers;
import io.backpack4j.testkit.Randomness;
import io.backpack4j.testkit.TestContext;
import io.backpack4j.testkit.heap.HeapBackend;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;

/**
 * Compares a module's way back with differences of its way there, in double precision: the cotangents of every input,
 * and all contractions of every parameter; and its curvature, if it has a rule, with differences of its way back.
 * Inputs and the output are closed after the forward pass unless the module declares that it keeps them.
 */
public final class JacobianChecks {

    private static final double STEP = 1e-6;
    private static final double TOLERANCE = 1e-7;

    private final Module module;
    private final int samples;
    private final ModuleDeclaration declaration;
    private final Random random;
    private final List<double[]> inputs = new ArrayList<>();
    private final List<Shape> inputShapes = new ArrayList<>();
    private final Map<String, double[]> parameters = new HashMap<>();

    JacobianChecks(Module module, int samples, List<Shape> perSample) {
        this.module = ComposedModule.whole(module);
        this.samples = samples;
        this.declaration = this.module.declare(perSample);
        this.random = Randomness.of(module.toString());
        for (Shape shape : perSample) {
            inputShapes.add(shape.prepend(samples));
            inputs.add(awayFromZero(samples * shape.elements()));
        }
        for (ParameterSpec spec : declaration.parameters()) {
            double[] values = awayFromZero(spec.shape().elements());
            parameters.put(spec.name(), spec.trainable() ? values : Numbers.positive(values));
        }
    }

    /** Checks a module at random inputs, for one column and for three. */
    public static void run(Module module, int samples, Shape... perSample) {
        JacobianChecks checks = new JacobianChecks(module, samples, List.of(perSample));
        checks.check(1);
        checks.check(3);
        double[] gradient = Randomness.normal(checks.random, checks.output().elements());
        new CurvatureChecks(checks, samples, checks.inputShapes, gradient).run();
    }

    List<double[]> inputs() {
        return inputs;
    }

    List<ParameterSpec> trained() {
        return declaration.parameters().stream()
                .filter(ParameterSpec::trainable)
                .toList();
    }

    /** The shape of the output, {@code [N, *out]}. */
    Shape output() {
        return declaration.output().prepend(samples);
    }

    /** Numbers at which functions with a kink at zero are smooth. */
    private double[] awayFromZero(long count) {
        double[] values = Randomness.normal(random, count);
        for (int i = 0; i < values.length; i++) {
            values[i] += Math.signum(values[i]) * 0.01;
        }
        return values;
    }

    private void check(int columns) {
        Shape outputShape = output();
        double[] cotangents = Randomness.normal(random, columns * outputShape.elements());
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            Evaluation evaluation = evaluate(backend, scope);
            Tensor given = backend.upload(scope, outputShape.prepend(columns), DType.FLOAT64, cotangents);
            try (TensorScope back = backend.openScope()) {
                Pullback pullback = evaluation.pullback(TestContext.of(backend, back, samples), given);
                for (int i = 0; i < inputs.size(); i++) {
                    checkInput(pullback, i, columns, cotangents);
                }
                for (ParameterSpec spec : declaration.parameters()) {
                    if (spec.trainable()) {
                        checkParameter(backend, pullback, spec, columns, cotangents);
                    }
                }
                assertThatThrownBy(() -> pullback.parameter("unheard-of")).hasMessageContaining("unheard-of");
            }
            assertThat(given.toDoubleArray()).as("cotangents afterwards").containsExactly(cotangents);
        }
    }

    Evaluation evaluate(HeapBackend backend, TensorScope scope) {
        List<Tensor> tensors = uploadInputs(backend, scope);
        Evaluation evaluation =
                module.evaluate(TestContext.of(backend, scope, samples), tensors, uploadParameters(backend, scope));
        assertThat(evaluation.output().shape()).isEqualTo(output());
        if (!declaration.retainsInputs()) {
            tensors.forEach(Tensor::close);
        }
        if (!declaration.retainsOutput()) {
            evaluation.output().close();
        }
        return evaluation;
    }

    private List<Tensor> uploadInputs(HeapBackend backend, TensorScope scope) {
        List<Tensor> tensors = new ArrayList<>();
        for (int i = 0; i < inputs.size(); i++) {
            tensors.add(backend.upload(scope, inputShapes.get(i), DType.FLOAT64, inputs.get(i)));
        }
        return tensors;
    }

    private Map<String, Tensor> uploadParameters(HeapBackend backend, TensorScope scope) {
        Map<String, Tensor> tensors = new HashMap<>();
        for (ParameterSpec spec : declaration.parameters()) {
            double[] values = values(spec);
            tensors.put(spec.name(), backend.upload(scope, spec.shape(), spec.dtype(DType.FLOAT64), values));
        }
        return tensors;
    }

    double[] values(ParameterSpec spec) {
        return Objects.requireNonNull(parameters.get(spec.name()));
    }

    private void checkInput(Pullback pullback, int index, int columns, double[] cotangents) {
        Tensor actual = pullback.input(index);
        Shape shape = inputShapes.get(index);
        int perSample = (int) shape.elements() / samples;
        double[] expected = new double[columns * (int) shape.elements()];
        for (int i = 0; i < shape.elements(); i++) {
            double[] slopes = slopes(inputs.get(index), i);
            int outputs = slopes.length / samples;
            for (int v = 0; v < columns; v++) {
                for (int o = 0; o < slopes.length; o++) {
                    boolean sameSample = o / outputs == i / perSample;
                    assertThat(sameSample || slopes[o] == 0).as("no coupling").isTrue();
                    expected[v * (int) shape.elements() + i] += slopes[o] * cotangents[v * slopes.length + o];
                }
            }
        }
        assertThat(actual.shape()).isEqualTo(shape.prepend(columns));
        Numbers.assertClose(module + ", input " + index, actual.toDoubleArray(), expected, TOLERANCE);
    }

    private void checkParameter(
            HeapBackend backend, Pullback pullback, ParameterSpec spec, int columns, double[] cotangents) {
        int elements = (int) spec.shape().elements();
        double[] gradients = new double[columns * samples * elements];
        for (int p = 0; p < elements; p++) {
            double[] slopes = slopes(values(spec), p);
            int outputs = slopes.length / samples;
            for (int v = 0; v < columns; v++) {
                for (int o = 0; o < slopes.length; o++) {
                    int sample = o / outputs;
                    gradients[(v * samples + sample) * elements + p] += slopes[o] * cotangents[v * slopes.length + o];
                }
            }
        }
        GradientOracle oracle = new GradientOracle(columns, samples, spec.shape(), gradients);
        new ContractionChecks(backend, pullback.parameter(spec.name()), oracle, random, TOLERANCE).run();
    }

    /** The derivative of all outputs with respect to one number, by a central difference. */
    private double[] slopes(double[] numbers, int index) {
        double old = numbers[index];
        numbers[index] = old + STEP;
        double[] slopes = forward();
        numbers[index] = old - STEP;
        double[] low = forward();
        numbers[index] = old;
        for (int i = 0; i < slopes.length; i++) {
            slopes[i] = (slopes[i] - low[i]) / (2 * STEP);
        }
        return slopes;
    }

    /** The output, row-major. */
    double[] forward() {
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            TestContext context = TestContext.of(backend, scope, samples);
            return module.evaluate(context, uploadInputs(backend, scope), uploadParameters(backend, scope))
                    .output()
                    .toDoubleArray();
        }
    }

    @Override
    public String toString() {
        return module.toString();
    }
}
