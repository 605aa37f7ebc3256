package io.backpack4j.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.RandomKey;
import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.ContractionTask;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.ParameterDerivatives;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.module.Pullback;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * What holds for every module that treats samples alone and takes real numbers. A test of modules extends this class and
 * says which. Derivatives are compared with differences, in double precision and on {@link HeapBackend}, which finds
 * tensors that are used after they were closed: inputs and outputs are, unless the module retains them. Buffers are given
 * positive numbers, as those that hold variances need.
 */
public abstract class ModuleContract {

    private static final int SAMPLES = 5;
    private static final int COLUMNS = 3;
    private static final double EXACT = 1e-11;
    private static final double SINGLE = 1e-4;

    /** The modules, with shapes of inputs. */
    protected abstract List<ModuleCase> modules();

    private Stream<DynamicTest> each(Consumer<ModuleCase> test) {
        return modules().stream().map(it -> dynamicTest(it.toString(), () -> test.accept(it)));
    }

    /**
     * Whether the output is linear in every weight with Kronecker factors, so that cotangents of the output are the factors' own. Not so for
     * recurrent cells.
     */
    protected boolean actsOnce(ModuleCase it) {
        return true;
    }

    @TestFactory
    final Stream<DynamicTest> declaresTheSameEveryTime() {
        return each(it -> {
            ModuleDeclaration declaration = it.module().declare(it.inputs());
            assertThat(it.module().declare(it.inputs())).isEqualTo(declaration);
            assertThat(declaration.parameters())
                    .extracting(ParameterSpec::name)
                    .doesNotHaveDuplicates()
                    .allMatch(name -> !name.isBlank());
            assertThat(declaration.couplesSamples()).as("couples samples").isFalse();
        });
    }

    @TestFactory
    final Stream<DynamicTest> refusesMissingInputs() {
        return each(
                it -> assertThatThrownBy(() -> it.module().declare(List.of())).isInstanceOf(BackpackException.class));
    }

    @TestFactory
    final Stream<DynamicTest> agreesWithDifferences() {
        return each(it -> {
            JacobianChecks.run(it.module(), 3, it.inputs().toArray(Shape[]::new));
            JacobianChecks.run(it.module(), 1, it.inputs().toArray(Shape[]::new));
        });
    }

    @TestFactory
    final Stream<DynamicTest> positionsStayApart() {
        return each(PositionChecks::run);
    }

    @TestFactory
    final Stream<DynamicTest> computesTheSameEveryTime() {
        return each(it -> assertClose(
                run(it, DType.FLOAT64, 0, SAMPLES, 0, COLUMNS), run(it, DType.FLOAT64, 0, SAMPLES, 0, COLUMNS), 0));
    }

    @TestFactory
    final Stream<DynamicTest> computesInSinglePrecision() {
        return each(it -> assertClose(
                run(it, DType.FLOAT32, 0, SAMPLES, 0, COLUMNS),
                run(it, DType.FLOAT64, 0, SAMPLES, 0, COLUMNS),
                SINGLE));
    }

    @TestFactory
    final Stream<DynamicTest> kroneckerFactorsFitTheGradients() {
        return each(it -> {
            if (actsOnce(it)) {
                KroneckerChecks.run(it);
            }
        });
    }

    @TestFactory
    final Stream<DynamicTest> chunksChangeNothing() {
        return each(it -> {
            Outcome whole = run(it, DType.FLOAT64, 0, SAMPLES, 0, COLUMNS);
            for (int cut = 0; cut <= SAMPLES; cut++) {
                Outcome first = run(it, DType.FLOAT64, 0, cut, 0, COLUMNS);
                Outcome second = run(it, DType.FLOAT64, cut, SAMPLES, 0, COLUMNS);
                assertClose(joined(first, second, COLUMNS), whole, EXACT);
            }
        });
    }

    @TestFactory
    final Stream<DynamicTest> columnsTravelAlone() {
        return each(it -> {
            Outcome whole = run(it, DType.FLOAT64, 0, SAMPLES, 0, COLUMNS);
            for (int column = 0; column < COLUMNS; column++) {
                Outcome alone = run(it, DType.FLOAT64, 0, SAMPLES, column, column + 1);
                int number = column;
                alone.backward.forEach((name, values) -> {
                    double[] all = whole.backward(name);
                    int size = all.length / COLUMNS;
                    Numbers.assertClose(
                            name + " of column " + number,
                            values,
                            Arrays.copyOfRange(all, number * size, (number + 1) * size),
                            EXACT);
                });
            }
        });
    }

    /**
     * What came out.
     *
     * @param output the output
     * @param backward cotangents of inputs and per-sample gradients, each {@code [V, N, *]}, and sums of these,
     *     {@code [V, *]}, by name
     */
    private record Outcome(double[] output, Map<String, double[]> backward) {

        double[] backward(String name) {
            double[] values = backward.get(name);
            return values == null ? new double[0] : values;
        }
    }

    private static void assertClose(Outcome actual, Outcome expected, double tolerance) {
        Numbers.assertClose("output", actual.output, expected.output, tolerance);
        assertThat(actual.backward.keySet()).isEqualTo(expected.backward.keySet());
        expected.backward.forEach(
                (name, values) -> Numbers.assertClose(name, actual.backward(name), values, tolerance));
    }

    /** Two chunks as one: samples stand behind each other in every column, sums add. */
    private static Outcome joined(Outcome first, Outcome second, int columns) {
        Map<String, double[]> backward = new LinkedHashMap<>();
        first.backward.forEach((name, a) -> {
            double[] b = second.backward(name);
            backward.put(name, name.startsWith("sum") ? sum(a, b) : interleaved(a, b, columns));
        });
        return new Outcome(interleaved(first.output, second.output, 1), backward);
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

    /** Goes there and back with some samples of a batch and some columns of its cotangents. */
    private static Outcome run(ModuleCase it, DType dtype, int from, int to, int fromColumn, int toColumn) {
        ModuleDeclaration declaration = it.module().declare(it.inputs());
        Random random = new Random(7);
        try (HeapBackend backend = new HeapBackend()) {
            Outcome outcome;
            try (TensorScope scope = backend.openScope()) {
                List<Tensor> inputs = it.inputs().stream()
                        .map(shape -> samples(backend, scope, dtype, numbers(random, SAMPLES, shape), shape, from, to))
                        .toList();
                Map<String, Tensor> parameters = new HashMap<>();
                for (ParameterSpec spec : declaration.parameters()) {
                    double[] drawn = numbers(random, 1, spec.shape());
                    double[] values = spec.trainable() ? drawn : Numbers.positive(drawn);
                    parameters.put(spec.name(), backend.upload(scope, spec.shape(), dtype, values));
                }
                Map<Tensor, double[]> given = new HashMap<>();
                inputs.forEach(input -> given.put(input, input.toDoubleArray()));
                parameters.values().forEach(parameter -> given.put(parameter, parameter.toDoubleArray()));
                Shape out = declaration.output();
                Tensor cotangents = scope.allocate(out.prepend(toColumn - fromColumn, to - from), dtype);
                double[] all = numbers(random, COLUMNS * SAMPLES, out);
                cotangents.write(0, part(all, out, from, to, fromColumn, toColumn), 0, size(cotangents));
                long[] ids = IntStream.range(from, to).asLongStream().toArray();
                TestContext context = new TestContext(backend, scope, ids, new RandomKey(5, 0, 0));
                Evaluation evaluation = it.module().evaluate(context, inputs, parameters);
                Tensor output = evaluation.output();
                check(output, out.prepend(to - from), dtype);
                outcome = new Outcome(output.toDoubleArray(), new LinkedHashMap<>());
                try (TensorScope back = backend.openScope()) {
                    TestContext backContext = new TestContext(backend, back, ids, new RandomKey(5, 0, 0));
                    walkBack(it, declaration, evaluation.pullback(backContext, cotangents), cotangents, back, outcome);
                }
                given.forEach((tensor, values) -> assertThat(tensor.toDoubleArray())
                        .as("given numbers afterwards")
                        .containsExactly(values));
                assertThat(backend.openScopes()).as("open scopes").isEqualTo(1);
            }
            return outcome;
        }
    }

    private static void walkBack(
            ModuleCase it,
            ModuleDeclaration declaration,
            Pullback pullback,
            Tensor cotangents,
            TensorScope scope,
            Outcome outcome) {
        long columns = cotangents.shape().size(0);
        long samples = cotangents.shape().size(1);
        DType dtype = cotangents.dtype();
        for (int i = 0; i < it.inputs().size(); i++) {
            Tensor result = pullback.input(i);
            check(result, it.inputs().get(i).prepend(columns, samples), dtype);
            outcome.backward.put("input " + i, result.toDoubleArray());
        }
        for (ParameterSpec spec : declaration.parameters()) {
            if (spec.trainable()) {
                ParameterDerivatives derivatives = pullback.parameter(spec.name());
                assertThat(derivatives.columns()).as("columns").isEqualTo(columns);
                assertThat(derivatives.samples()).as("samples").isEqualTo(samples);
                assertThat(derivatives.parameter()).as("parameter").isEqualTo(spec.shape());
                assertThat(derivatives.dtype()).as("type").isEqualTo(dtype);
                Tensor gradients = scope.allocate(spec.shape().prepend(columns, samples), dtype);
                derivatives.perSample(new Block(0, columns, 0, samples), gradients);
                outcome.backward.put("gradients of " + spec.name(), gradients.toDoubleArray());
                Tensor sum = scope.allocate(spec.shape().prepend(columns), dtype);
                derivatives.execute(List.of(new ContractionTask(new Contraction.Sum(), List.of(sum), null, false)));
                outcome.backward.put("sum of gradients of " + spec.name(), sum.toDoubleArray());
            }
        }
    }

    private static void check(Tensor tensor, Shape shape, DType dtype) {
        assertThat(tensor.shape()).as("shape").isEqualTo(shape);
        assertThat(tensor.dtype()).as("type").isEqualTo(dtype);
    }

    /** Numbers of single precision, away from zero, where functions have kinks. */
    private static double[] numbers(Random random, int count, Shape shape) {
        double[] values = Randomness.normal(random, count * shape.elements());
        return Arrays.stream(values)
                .map(value -> (float) (value + Math.signum(value) * 0.01))
                .toArray();
    }

    private static Tensor samples(
            HeapBackend backend, TensorScope scope, DType dtype, double[] all, Shape shape, int from, int to) {
        return backend.upload(scope, shape.prepend(to - from), dtype, part(all, shape, from, to, 0, 1));
    }

    private static double[] part(double[] all, Shape shape, int from, int to, int fromColumn, int toColumn) {
        int size = (int) shape.elements();
        double[] result = new double[(toColumn - fromColumn) * (to - from) * size];
        for (int column = fromColumn; column < toColumn; column++) {
            System.arraycopy(
                    all,
                    (column * SAMPLES + from) * size,
                    result,
                    (column - fromColumn) * (to - from) * size,
                    (to - from) * size);
        }
        return result;
    }

    private static int size(Tensor tensor) {
        return (int) tensor.shape().elements();
    }
}
