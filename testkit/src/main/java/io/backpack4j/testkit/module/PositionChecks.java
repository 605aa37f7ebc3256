// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.module;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.ContractionTask;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.ParameterDerivatives;
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
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * Holds a module to its {@link Module#positionAxes}, for every choice of the output's axes: cotangents at one position
 * come back at this position only, and the squares of a parameter's gradients over positions are those of cotangents at
 * one position each.
 */
public final class PositionChecks {

    private static final int SAMPLES = 3;
    private static final int COLUMNS = 2;
    private static final double TOLERANCE = 1e-11;

    private final ModuleCase it;
    private final ModuleDeclaration declaration;
    private final Shape output;
    private final Random random;

    private PositionChecks(ModuleCase it) {
        this.it = it;
        this.declaration = it.module().declare(it.inputs());
        this.output = declaration.output();
        this.random = Randomness.of(it.toString());
    }

    /** Checks what a module says about every choice of axes, in both orders. */
    public static void run(ModuleCase it) {
        PositionChecks checks = new PositionChecks(it);
        for (int choice = 1; choice < 1 << checks.output.rank(); choice++) {
            List<Integer> rising = new ArrayList<>();
            List<Integer> falling = new ArrayList<>();
            for (int axis = 0; axis < checks.output.rank(); axis++) {
                if ((choice >> axis & 1) == 1) {
                    rising.add(axis);
                    falling.add(0, axis);
                }
            }
            checks.check(rising);
            checks.check(falling);
        }
    }

    private void check(List<Integer> outputAxes) {
        List<Integer> inputAxes =
                it.module().positionAxes(outputAxes, it.inputs()).orElse(List.of());
        if (inputAxes.isEmpty()) {
            return;
        }
        String what = "%s with positions %s".formatted(it, outputAxes);
        assertThat(inputAxes).as(what).doesNotHaveDuplicates().hasSameSizeAs(outputAxes);
        for (Shape input : it.inputs()) {
            assertThat(inputAxes).as(what).allMatch(axis -> axis >= 0 && axis < input.rank());
            assertThat(sizes(input, inputAxes)).as(what).isEqualTo(sizes(output, outputAxes));
        }
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            Evaluation evaluation = evaluate(backend, scope);
            double[] cotangents = Randomness.normal(random, COLUMNS * SAMPLES * output.elements());
            Map<String, double[]> squares = new HashMap<>();
            long positions = sizes(output, outputAxes).stream().reduce(1L, Math::multiplyExact);
            for (long position = 0; position < positions; position++) {
                double[] alone = cotangents.clone();
                for (int i = 0; i < alone.length; i++) {
                    alone[i] = position(i, output, outputAxes) == position ? alone[i] : 0;
                }
                Pullback pullback = pullback(backend, scope, evaluation, alone);
                checkInputs(what, pullback, inputAxes, position);
                addSquares(scope, pullback, squares);
            }
            Pullback all = pullback(backend, scope, evaluation, cotangents);
            squares.forEach((name, expected) -> {
                double[] actual = overPositions(scope, all.parameter(name), new Contraction.SumOfSquares());
                Numbers.assertClose(what + ", " + name, actual, expected, TOLERANCE);
                double[] trace = overPositions(scope, all.parameter(name), new Contraction.Trace());
                double[] sum = {Arrays.stream(expected).sum()};
                Numbers.assertClose(what + ", trace of " + name, trace, sum, TOLERANCE);
            });
        }
    }

    private static List<Long> sizes(Shape shape, List<Integer> axes) {
        return axes.stream().map(shape::size).toList();
    }

    private void checkInputs(String what, Pullback pullback, List<Integer> axes, long position) {
        for (int input = 0; input < it.inputs().size(); input++) {
            Shape shape = it.inputs().get(input);
            double[] values = pullback.input(input).toDoubleArray();
            for (int i = 0; i < values.length; i++) {
                if (position(i, shape, axes) != position) {
                    assertThat(values[i])
                            .as("%s, input %d, element %d of position %d", what, input, i, position)
                            .isZero();
                }
            }
        }
    }

    private void addSquares(TensorScope scope, Pullback pullback, Map<String, double[]> squares) {
        for (ParameterSpec spec : declaration.parameters()) {
            if (spec.trainable()) {
                int size = (int) spec.shape().elements();
                Tensor gradients = scope.allocate(spec.shape().prepend(COLUMNS, SAMPLES), DType.FLOAT64);
                pullback.parameter(spec.name()).perSample(new Block(0, COLUMNS, 0, SAMPLES), gradients);
                double[] sum = squares.computeIfAbsent(spec.name(), absent -> new double[size]);
                double[] values = gradients.toDoubleArray();
                for (int i = 0; i < values.length; i++) {
                    sum[i % size] += values[i] * values[i];
                }
            }
        }
    }

    /** In two steps, of which the second adds. */
    private static double[] overPositions(TensorScope scope, ParameterDerivatives derivatives, Contraction ofExpanded) {
        Contraction contraction = ofExpanded.overPositions().orElseThrow();
        Tensor once = scope.allocate(
                contraction
                        .shapes(derivatives.columns(), derivatives.samples(), derivatives.parameter())
                        .get(0),
                DType.FLOAT64);
        derivatives.execute(List.of(new ContractionTask(contraction, List.of(once), null, false)));
        double[] first = once.toDoubleArray();
        derivatives.execute(List.of(new ContractionTask(contraction, List.of(once), null, true)));
        double[] second = once.toDoubleArray();
        for (int i = 0; i < first.length; i++) {
            second[i] -= first[i];
        }
        Numbers.assertClose("added squares", second, first, TOLERANCE);
        return first;
    }

    /** The number of the position that an element of {@code [*, *sample]} is at. */
    public static long position(long element, Shape sample, List<Integer> axes) {
        long position = 0;
        for (int axis : axes) {
            long stride = sample.elements(axis + 1, sample.rank());
            position = position * sample.size(axis) + element / stride % sample.size(axis);
        }
        return position;
    }

    private Evaluation evaluate(HeapBackend backend, TensorScope scope) {
        List<Tensor> inputs = it.inputs().stream()
                .map(shape -> upload(backend, scope, shape.prepend(SAMPLES), DType.FLOAT64, false))
                .toList();
        Map<String, Tensor> parameters = new HashMap<>();
        for (ParameterSpec spec : declaration.parameters()) {
            parameters.put(
                    spec.name(), upload(backend, scope, spec.shape(), spec.dtype(DType.FLOAT64), !spec.trainable()));
        }
        return it.module().evaluate(TestContext.of(backend, scope, SAMPLES), inputs, parameters);
    }

    private Tensor upload(HeapBackend backend, TensorScope scope, Shape shape, DType dtype, boolean positive) {
        double[] values = Randomness.normal(random, shape.elements());
        return backend.upload(scope, shape, dtype, positive ? Numbers.positive(values) : values);
    }

    private Pullback pullback(HeapBackend backend, TensorScope scope, Evaluation evaluation, double[] cotangents) {
        Tensor given = backend.upload(scope, output.prepend(COLUMNS, SAMPLES), DType.FLOAT64, cotangents);
        return evaluation.pullback(TestContext.of(backend, scope, SAMPLES), given);
    }
}
