// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.loss;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.RandomKey;
import io.backpack4j.spi.loss.HessianRoot;
import io.backpack4j.spi.loss.LossEvaluation;
import io.backpack4j.spi.loss.SuperposedRoot;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.Numbers;
import io.backpack4j.testkit.Randomness;
import io.backpack4j.testkit.TestContext;
import io.backpack4j.testkit.heap.HeapBackend;
import io.backpack4j.testkit.module.PositionChecks;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * What holds for every loss. A test of losses extends this class and says which. Gradients are compared with
 * differences of values; roots, draws and products of the Hessian, where a loss offers them, with differences of
 * gradients.
 */
public abstract class LossContract {

    private static final double STEP = 1e-5;
    private static final double TOLERANCE = 1e-7;
    private static final double EXACT = 1e-11;
    private static final double SINGLE = 1e-4;
    private static final int DRAWS = 20_000;
    private static final RandomKey KEY = new RandomKey(17, 0, 0);

    /** The losses, with shapes and targets. */
    protected abstract List<LossCase> losses();

    private Stream<DynamicTest> each(Consumer<Run> test) {
        return losses().stream().map(it -> dynamicTest(it.toString(), () -> test.accept(new Run(it))));
    }

    @TestFactory
    final Stream<DynamicTest> checksTargets() {
        return each(run -> {
            LossCase it = run.it;
            it.loss().validate(it.output(), it.targetShape(), it.targetType());
            Shape tooMany = it.targetShape().with(0, it.targetShape().size(0) + 1);
            assertThatThrownBy(() -> it.loss().validate(it.output(), tooMany, it.targetType()))
                    .as("targets of shape %s", tooMany)
                    .isInstanceOf(BackpackException.class);
            assertThat(run.normaliser()).isPositive().isFinite();
        });
    }

    @TestFactory
    final Stream<DynamicTest> gradientsAreDifferencesOfValues() {
        return each(run -> {
            double[] output = run.output();
            double[] expected = new double[output.length];
            for (int i = 0; i < output.length; i++) {
                double[] slopes = run.slopes(output, i, LossEvaluation::values, Shape.of(run.samples()));
                for (int n = 0; n < slopes.length; n++) {
                    assertThat(n == i / run.perSample() || slopes[n] == 0)
                            .as("no coupling")
                            .isTrue();
                    expected[i] += run.normaliser() * slopes[n];
                }
            }
            Numbers.assertClose("gradient", run.gradient(output), expected, TOLERANCE);
        });
    }

    @TestFactory
    final Stream<DynamicTest> rootsMakeTheHessian() {
        return each(run -> {
            if (!run.offers(LossEvaluation::hessianRoot)) {
                return;
            }
            double[] output = run.output();
            int count = run.rootCount();
            double[] all = run.root(output, 0, count);
            double[] product = new double[output.length * run.perSample()];
            for (int v = 0; v < count; v++) {
                int start = v * output.length;
                run.forPairs((i, j, at) -> product[at] += all[start + i] * all[start + j]);
            }
            Numbers.assertClose("root", product, run.hessian(output), TOLERANCE);
            for (int from = 0; from <= count; from++) {
                for (int to = from; to <= count; to++) {
                    double[] part = Arrays.copyOfRange(all, from * output.length, to * output.length);
                    Numbers.assertClose("columns " + from + " to " + to, run.root(output, from, to), part, EXACT);
                }
            }
        });
    }

    @TestFactory
    final Stream<DynamicTest> reducedRootsMakeTheHessian() {
        return each(run -> {
            if (!run.offers(LossEvaluation::hessianRoot)) {
                return;
            }
            double[] output = run.output();
            int count = run.reducedCount();
            assertThat(count).as("columns").isLessThanOrEqualTo(run.rootCount());
            double[] all = run.reduced(output, DType.FLOAT64, 0, count);
            double[] product = new double[output.length * run.perSample()];
            for (int v = 0; v < count; v++) {
                int start = v * output.length;
                run.forPairs((i, j, at) -> product[at] += all[start + i] * all[start + j]);
            }
            Numbers.assertClose("reduced root", product, run.hessian(output), TOLERANCE);
            Numbers.assertClose("single precision", run.reduced(output, DType.FLOAT32, 0, count), all, SINGLE);
            for (int from = 0; from <= count; from++) {
                for (int to = from; to <= count; to++) {
                    double[] part = Arrays.copyOfRange(all, from * output.length, to * output.length);
                    double[] found = run.reduced(output, DType.FLOAT64, from, to);
                    Numbers.assertClose("columns " + from + " to " + to, found, part, EXACT);
                }
            }
            for (int n = 0; n < run.samples(); n++) {
                double[] own = Arrays.copyOfRange(output, n * run.perSample(), (n + 1) * run.perSample());
                double[] alone = run.alone(n).reduced(own, DType.FLOAT64, 0, count);
                Numbers.assertClose("reduced root of a chunk", alone, run.columnsOf(n, all, count), EXACT);
            }
        });
    }

    @TestFactory
    final Stream<DynamicTest> superposedColumnsMakeTheHessianOfEveryPosition() {
        return each(run -> {
            List<Integer> axes = run.it.loss().positionAxes(run.it.output());
            if (axes.isEmpty() || !run.offers(LossEvaluation::hessianRoot)) {
                return;
            }
            double[] output = run.output();
            int count = run.superposedCount();
            double[] all = run.superposed(output, 0, count);
            double[] product = new double[output.length * run.perSample()];
            Shape sample = run.it.output().dropFirst(1);
            for (int v = 0; v < count; v++) {
                int start = v * output.length;
                run.forPairs((i, j, at) -> {
                    if (PositionChecks.position(i, sample, axes) == PositionChecks.position(j, sample, axes)) {
                        product[at] += all[start + i] * all[start + j];
                    }
                });
            }
            Numbers.assertClose("superposed root", product, run.hessian(output), TOLERANCE);
            for (int from = 0; from <= count; from++) {
                for (int to = from; to <= count; to++) {
                    double[] part = Arrays.copyOfRange(all, from * output.length, to * output.length);
                    Numbers.assertClose("columns " + from + " to " + to, run.superposed(output, from, to), part, EXACT);
                }
            }
        });
    }

    @TestFactory
    final Stream<DynamicTest> productsAreThoseOfTheHessian() {
        return each(run -> {
            if (!run.offers(LossEvaluation::hessianProduct)) {
                return;
            }
            double[] output = run.output();
            double[] hessian = run.hessian(output);
            double[] tangents = Randomness.normal(Randomness.of("tangents"), 2L * output.length);
            double[] expected = new double[tangents.length];
            for (int v = 0; v < 2; v++) {
                int start = v * output.length;
                run.forPairs((i, j, at) -> expected[start + i] += hessian[at] * tangents[start + j]);
            }
            Shape shape = run.it.output().prepend(2);
            double[] actual = run.evaluate(output, DType.FLOAT64, shape, (context, evaluation) -> {
                Tensor given = context.backend().upload(context.scope(), shape, DType.FLOAT64, tangents);
                return evaluation.hessianProduct().orElseThrow().multiply(given);
            });
            Numbers.assertClose("product", actual, expected, TOLERANCE);
        });
    }

    @TestFactory
    final Stream<DynamicTest> drawnGradientsMakeTheHessianOnAverage() {
        return each(run -> {
            if (!run.offers(LossEvaluation::gradientSampler)) {
                return;
            }
            double[] output = run.output();
            double[] sampled = run.sampled(output, 0, DRAWS, DRAWS);
            double[] sums = new double[output.length * run.perSample()];
            double[] squares = new double[sums.length];
            for (int m = 0; m < DRAWS; m++) {
                int start = m * output.length;
                run.forPairs((i, j, at) -> {
                    double product = sampled[start + i] * sampled[start + j];
                    sums[at] += product;
                    squares[at] += product * product;
                });
            }
            double[] hessian = run.hessian(output);
            for (int at = 0; at < sums.length; at++) {
                // Six standard errors.
                assertThat(Math.abs(sums[at] - hessian[at]))
                        .as("Hessian of draws, element %d", at)
                        .isLessThanOrEqualTo(6 * Math.sqrt(squares[at]) + TOLERANCE);
            }
        });
    }

    @TestFactory
    final Stream<DynamicTest> chunksChangeNothing() {
        return each(run -> {
            double[] output = run.output();
            double[] gradient = run.gradient(output);
            double[] values = run.values(output);
            for (int n = 0; n < run.samples(); n++) {
                Run alone = run.alone(n);
                int from = n * run.perSample();
                int to = from + run.perSample();
                double[] own = Arrays.copyOfRange(output, from, to);
                Numbers.assertClose("value", alone.values(own), new double[] {values[n]}, EXACT);
                Numbers.assertClose("gradient", alone.gradient(own), Arrays.copyOfRange(gradient, from, to), EXACT);
                if (run.offers(LossEvaluation::hessianRoot)) {
                    int count = run.rootCount();
                    assertThat(alone.rootCount()).as("columns of a chunk").isEqualTo(count);
                    double[] expected = run.columnsOf(n, run.root(output, 0, count), count);
                    Numbers.assertClose("root", alone.root(own, 0, count), expected, EXACT);
                }
                if (run.offers(LossEvaluation::gradientSampler)) {
                    double[] expected = run.columnsOf(n, run.sampled(output, 0, 4, 4), 4);
                    Numbers.assertClose("draws", alone.sampled(own, 0, 4, 4), expected, EXACT);
                    Numbers.assertClose(
                            "some draws",
                            alone.sampled(own, 1, 3, 4),
                            Arrays.copyOfRange(expected, run.perSample(), 3 * run.perSample()),
                            EXACT);
                }
            }
        });
    }

    @TestFactory
    final Stream<DynamicTest> computesInSinglePrecision() {
        return each(run -> {
            double[] output = run.output();
            Shape gradient = run.it.output().prepend(1);
            Numbers.assertClose(
                    "values",
                    run.evaluate(output, DType.FLOAT32, Shape.of(run.samples()), (c, it) -> it.values()),
                    run.values(output),
                    SINGLE);
            Numbers.assertClose(
                    "gradient",
                    run.evaluate(output, DType.FLOAT32, gradient, (c, it) -> it.gradient()),
                    run.gradient(output),
                    SINGLE);
            if (run.offers(LossEvaluation::hessianRoot)) {
                int count = run.rootCount();
                Shape root = run.it.output().prepend(count);
                Numbers.assertClose(
                        "root",
                        run.evaluate(
                                output,
                                DType.FLOAT32,
                                root,
                                (c, it) -> it.hessianRoot().orElseThrow().columns(0, count)),
                        run.root(output, 0, count),
                        SINGLE);
            }
        });
    }

    /** A position in a sample's Hessian. */
    private interface Pair {

        /** Sees elements i and j of one sample's output; {@code at} is the position of the pair. */
        void visit(int i, int j, int at);
    }

    private interface Part {

        Tensor of(TestContext context, LossEvaluation evaluation);
    }

    /** A loss at the samples of its case, or at one of them, with the factor of all. */
    private static final class Run {

        private final LossCase it;
        private final double normaliser;
        private final int first;

        Run(LossCase it) {
            this(it, normaliserOf(it), 0);
        }

        private Run(LossCase it, double normaliser, int first) {
            this.it = it;
            this.normaliser = normaliser;
            this.first = first;
        }

        private static double normaliserOf(LossCase it) {
            try (HeapBackend backend = new HeapBackend();
                    TensorScope scope = backend.openScope()) {
                Tensor targets = backend.upload(scope, it.targetShape(), it.targetType(), it.targets());
                it.loss().validateValues(it.output(), targets);
                return it.loss().normaliser(it.output(), targets);
            }
        }

        Run alone(int sample) {
            int size = it.targets().length / samples();
            double[] own = Arrays.copyOfRange(it.targets(), sample * size, (sample + 1) * size);
            Shape shape = it.output().with(0, 1);
            Shape targetShape = it.targetShape().with(0, 1);
            return new Run(new LossCase(it.loss(), shape, targetShape, it.targetType(), own), normaliser, sample);
        }

        double normaliser() {
            return normaliser;
        }

        int samples() {
            return (int) it.output().size(0);
        }

        int perSample() {
            return (int) it.output().elements(1, it.output().rank());
        }

        /** An output of single precision. */
        double[] output() {
            double[] values =
                    Randomness.normal(Randomness.of(it.toString()), it.output().elements());
            return Arrays.stream(values).map(value -> (float) value).toArray();
        }

        double[] values(double[] output) {
            return evaluate(output, DType.FLOAT64, Shape.of(samples()), (c, evaluation) -> evaluation.values());
        }

        double[] gradient(double[] output) {
            Shape shape = it.output().prepend(1);
            return evaluate(output, DType.FLOAT64, shape, (c, evaluation) -> evaluation.gradient());
        }

        boolean offers(Function<LossEvaluation, Optional<?>> ability) {
            return inspect(evaluation -> ability.apply(evaluation).isPresent());
        }

        int rootCount() {
            return inspect(evaluation ->
                    Math.toIntExact(evaluation.hessianRoot().orElseThrow().count()));
        }

        double[] root(double[] output, int from, int to) {
            Shape shape = it.output().prepend(to - from);
            return evaluate(
                    output,
                    DType.FLOAT64,
                    shape,
                    (c, evaluation) -> evaluation.hessianRoot().orElseThrow().columns(from, to));
        }

        int reducedCount() {
            return inspect(evaluation -> Math.toIntExact(
                    evaluation.hessianRoot().orElseThrow().reduced().count()));
        }

        double[] reduced(double[] output, DType dtype, int from, int to) {
            Shape shape = it.output().prepend(to - from);
            return evaluate(
                    output,
                    dtype,
                    shape,
                    (c, evaluation) ->
                            evaluation.hessianRoot().orElseThrow().reduced().columns(from, to));
        }

        int superposedCount() {
            return inspect(evaluation -> Math.toIntExact(superposed(evaluation).count()));
        }

        double[] superposed(double[] output, int from, int to) {
            Shape shape = it.output().prepend(to - from);
            return evaluate(
                    output,
                    DType.FLOAT64,
                    shape,
                    (c, evaluation) -> superposed(evaluation).columns(from, to));
        }

        private static SuperposedRoot superposed(LossEvaluation evaluation) {
            return evaluation.hessianRoot().flatMap(HessianRoot::superposed).orElseThrow();
        }

        double[] sampled(double[] output, int from, int to, int total) {
            Shape shape = it.output().prepend(to - from);
            return evaluate(
                    output,
                    DType.FLOAT64,
                    shape,
                    (c, evaluation) ->
                            evaluation.gradientSampler().orElseThrow().columns(KEY, from, to, total));
        }

        /** The Hessians of the samples by differences of gradients, in the order of {@link #forPairs}. */
        double[] hessian(double[] output) {
            double[] hessian = new double[output.length * perSample()];
            Shape shape = it.output().prepend(1);
            for (int i = 0; i < output.length; i++) {
                double[] slopes = slopes(output, i, LossEvaluation::gradient, shape);
                int row = i;
                forPairs((a, b, at) -> hessian[at] += a == row ? slopes[b] : 0);
            }
            return hessian;
        }

        /** The elements of one sample in columns of all. */
        double[] columnsOf(int sample, double[] all, int count) {
            int size = perSample();
            double[] result = new double[count * size];
            for (int v = 0; v < count; v++) {
                System.arraycopy(all, (v * samples() + sample) * size, result, v * size, size);
            }
            return result;
        }

        void forPairs(Pair visitor) {
            int size = perSample();
            for (int i = 0; i < samples() * size; i++) {
                for (int j = 0; j < size; j++) {
                    visitor.visit(i, i / size * size + j, i * size + j);
                }
            }
        }

        double[] slopes(double[] output, int index, Function<LossEvaluation, Tensor> part, Shape shape) {
            double[] moved = output.clone();
            moved[index] = output[index] + STEP;
            double[] high = evaluate(moved, DType.FLOAT64, shape, (c, evaluation) -> part.apply(evaluation));
            moved[index] = output[index] - STEP;
            double[] low = evaluate(moved, DType.FLOAT64, shape, (c, evaluation) -> part.apply(evaluation));
            return IntStream.range(0, high.length)
                    .mapToDouble(i -> (high[i] - low[i]) / (2 * STEP))
                    .toArray();
        }

        private <T> T inspect(Function<LossEvaluation, T> question) {
            try (HeapBackend backend = new HeapBackend();
                    TensorScope scope = backend.openScope()) {
                double[] zeros = new double[(int) it.output().elements()];
                return question.apply(evaluation(context(backend, scope), zeros, DType.FLOAT64));
            }
        }

        double[] evaluate(double[] output, DType dtype, Shape shape, Part part) {
            try (HeapBackend backend = new HeapBackend()) {
                double[] result;
                try (TensorScope scope = backend.openScope()) {
                    TestContext context = context(backend, scope);
                    Tensor tensor = part.of(context, evaluation(context, output, dtype));
                    assertThat(tensor.shape()).as("shape").isEqualTo(shape);
                    assertThat(tensor.dtype()).as("type").isEqualTo(dtype);
                    assertThat(backend.openScopes()).as("open scopes").isEqualTo(1);
                    result = tensor.toDoubleArray();
                }
                return result;
            }
        }

        private TestContext context(HeapBackend backend, TensorScope scope) {
            long[] ids =
                    IntStream.range(first, first + samples()).asLongStream().toArray();
            return new TestContext(backend, scope, ids, KEY);
        }

        private LossEvaluation evaluation(TestContext context, double[] output, DType dtype) {
            Tensor outputs = context.backend().upload(context.scope(), it.output(), dtype, output);
            DType targetType = it.targetType().isFloating() ? dtype : it.targetType();
            Tensor targets = context.backend().upload(context.scope(), it.targetShape(), targetType, it.targets());
            return it.loss().evaluate(context, outputs, targets, normaliser);
        }
    }
}
