// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.module;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.Problem;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.ContractionTask;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.module.Pullback;
import io.backpack4j.spi.module.PullbackTangent;
import io.backpack4j.spi.module.Tangents;
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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.function.Supplier;

/**
 * Compares what a module does with tangents with differences along them, in double precision: its output changes by
 * what is pushed forward, and what it pulls back by its second derivative. What moves is every input alone, every
 * parameter alone, and all of them. The Jacobian product must be the transpose of the way back, and the second
 * derivative symmetric. Inputs and the output are closed after the forward pass unless the module declares that it
 * keeps them. Also for modules that couple samples.
 */
public final class TangentChecks {

    private static final int COLUMNS = 3;
    private static final double FIRST_STEP = 1e-6;
    private static final double FIRST_TOLERANCE = 1e-7;
    private static final double SECOND_STEP = 1e-5;
    private static final double SECOND_TOLERANCE = 1e-6;
    private static final double EXACT = 1e-10;

    private final JacobianChecks checks;
    private final int samples;
    private final Random random;

    /** By name, inputs first: what can move, its shape, and V directions. */
    private final Map<String, double[]> numbers = new LinkedHashMap<>();

    private final Map<String, Shape> shapes = new HashMap<>();
    private final Map<String, double[]> directions = new HashMap<>();

    private TangentChecks(Module module, int samples, List<Shape> perSample) {
        this.checks = new JacobianChecks(module, samples, perSample);
        this.samples = samples;
        this.random = Randomness.of("tangents of " + module);
        for (int i = 0; i < perSample.size(); i++) {
            add(inputName(i), perSample.get(i).prepend(samples), checks.inputs().get(i));
        }
        for (ParameterSpec spec : checks.trained()) {
            add(spec.name(), spec.shape(), checks.values(spec));
        }
    }

    private void add(String name, Shape shape, double[] values) {
        numbers.put(name, values);
        shapes.put(name, shape);
        directions.put(name, Randomness.normal(random, COLUMNS * shape.elements()));
    }

    private static String inputName(int index) {
        return "input " + index;
    }

    /** Checks a module at random inputs: both ways. */
    public static void run(Module module, int samples, Shape... perSample) {
        pushforward(module, samples, perSample);
        pullbackTangent(module, samples, perSample);
    }

    /** Checks {@link Evaluation#pushforward}. */
    static void pushforward(Module module, int samples, Shape... perSample) {
        TangentChecks checks = new TangentChecks(module, samples, List.of(perSample));
        checks.moving().forEach(checks::checkForward);
        checks.checkTranspose();
    }

    /** Checks {@link Evaluation#pullbackTangent}. */
    static void pullbackTangent(Module module, int samples, Shape... perSample) {
        TangentChecks checks = new TangentChecks(module, samples, List.of(perSample));
        double[] gradient =
                Randomness.normal(checks.random, checks.checks.output().elements());
        checks.moving().forEach(moving -> checks.checkSecond(moving, gradient));
        checks.checkSymmetry(gradient);
    }

    /** The only error that a module may have instead. */
    static void requireUnsupported(BackpackException e) {
        assertThat(e.problems()).extracting(Problem::id).containsOnly(CommonProblems.UNSUPPORTED_MODULE);
    }

    /** Each alone, then all. */
    private List<Set<String>> moving() {
        List<Set<String>> sets = new ArrayList<>();
        numbers.keySet().forEach(name -> sets.add(Set.of(name)));
        if (sets.size() > 1) {
            sets.add(Set.copyOf(numbers.keySet()));
        }
        return sets;
    }

    private void checkForward(Set<String> moving) {
        double[][] expected = new double[COLUMNS][];
        for (int v = 0; v < COLUMNS; v++) {
            expected[v] = difference(moving, v, FIRST_STEP, checks::forward);
        }
        Numbers.assertClose(
                checks + ", output along " + moving, pushed(moving), Numbers.joined(expected), FIRST_TOLERANCE);
    }

    /** ⟨u, J t⟩ = ⟨Jᵀ u, t⟩. */
    private void checkTranspose() {
        double[] u = Randomness.normal(random, checks.output().elements());
        double[] pushed = pushed(numbers.keySet());
        Map<String, double[]> pulled = pulledBack(u);
        double[] forward = new double[COLUMNS];
        double[] back = new double[COLUMNS];
        for (int v = 0; v < COLUMNS; v++) {
            forward[v] = dot(u, column(pushed, v));
            back[v] = dot(pulled, v);
        }
        Numbers.assertClose(checks + ", Jacobian product and its transpose", forward, back, EXACT);
    }

    private void checkSecond(Set<String> moving, double[] gradient) {
        Map<String, double[]> actual = changes(moving, gradient);
        for (String name : numbers.keySet()) {
            double[][] expected = new double[COLUMNS][];
            for (int v = 0; v < COLUMNS; v++) {
                expected[v] = difference(
                        moving,
                        v,
                        SECOND_STEP,
                        () -> Objects.requireNonNull(pulledBack(gradient).get(name)));
            }
            Numbers.assertClose(
                    "%s, what is pulled back to %s along %s".formatted(checks, name, moving),
                    Objects.requireNonNull(actual.get(name)),
                    Numbers.joined(expected),
                    SECOND_TOLERANCE);
        }
    }

    /** ⟨t_v, d/dt_w Jᵀ g⟩ = ⟨t_w, d/dt_v Jᵀ g⟩. */
    private void checkSymmetry(double[] gradient) {
        Map<String, double[]> changes = changes(numbers.keySet(), gradient);
        double[] products = new double[COLUMNS * COLUMNS];
        double[] transposed = new double[COLUMNS * COLUMNS];
        for (int w = 0; w < COLUMNS; w++) {
            int column = w;
            Map<String, double[]> change = new HashMap<>();
            changes.forEach((name, values) -> change.put(name, column(values, column)));
            for (int v = 0; v < COLUMNS; v++) {
                products[v * COLUMNS + w] = dot(change, v);
                transposed[w * COLUMNS + v] = products[v * COLUMNS + w];
            }
        }
        Numbers.assertClose(checks + ", symmetry of the second derivative", products, transposed, EXACT);
    }

    private double[] pushed(Set<String> moving) {
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            Evaluation evaluation = checks.evaluate(backend, scope);
            Tangents tangents = tangents(backend, scope, moving);
            try (TensorScope forward = backend.openScope()) {
                Tensor result = evaluation.pushforward(TestContext.of(backend, forward, samples), tangents);
                assertThat(result.shape()).as("shape").isEqualTo(checks.output().prepend(COLUMNS));
                assertThat(result.dtype()).as("type").isEqualTo(DType.FLOAT64);
                assertThat(backend.openScopes()).as("open scopes").isEqualTo(2);
                double[] values = result.toDoubleArray();
                requireUnchanged(tangents);
                return values;
            }
        }
    }

    /** How what is pulled back changes, per name {@code [V, *]}. */
    private Map<String, double[]> changes(Set<String> moving, double[] gradient) {
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            Evaluation evaluation = checks.evaluate(backend, scope);
            Tangents tangents = tangents(backend, scope, moving);
            Tensor cotangents = backend.upload(scope, checks.output().prepend(1), DType.FLOAT64, gradient);
            Map<String, double[]> changes = new HashMap<>();
            try (TensorScope back = backend.openScope()) {
                PullbackTangent change =
                        evaluation.pullbackTangent(TestContext.of(backend, back, samples), cotangents, tangents);
                for (int i = 0; i < checks.inputs().size(); i++) {
                    String name = inputName(i);
                    changes.put(name, values(change.input(i), shape(name).prepend(COLUMNS)));
                }
                for (ParameterSpec spec : checks.trained()) {
                    Shape shape = spec.shape().prepend(COLUMNS);
                    double[] before = Randomness.normal(random, shape.elements());
                    Tensor sum = backend.upload(back, shape, DType.FLOAT64, before);
                    change.addToParameter(spec.name(), sum);
                    changes.put(spec.name(), Numbers.difference(sum.toDoubleArray(), before));
                }
                assertThat(backend.openScopes()).as("open scopes").isEqualTo(2);
            }
            requireUnchanged(tangents);
            assertThat(cotangents.toDoubleArray()).as("cotangents afterwards").containsExactly(gradient);
            return changes;
        }
    }

    private static double[] values(Optional<Tensor> change, Shape shape) {
        if (change.isEmpty()) {
            return new double[(int) shape.elements()];
        }
        assertThat(change.get().shape()).as("shape").isEqualTo(shape);
        assertThat(change.get().dtype()).as("type").isEqualTo(DType.FLOAT64);
        return change.get().toDoubleArray();
    }

    /** What a gradient at the output makes of inputs and, summed over the samples, of parameters. */
    private Map<String, double[]> pulledBack(double[] gradient) {
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            Evaluation evaluation = checks.evaluate(backend, scope);
            Tensor cotangents = backend.upload(scope, checks.output().prepend(1), DType.FLOAT64, gradient);
            Pullback pullback = evaluation.pullback(TestContext.of(backend, scope, samples), cotangents);
            Map<String, double[]> pulled = new HashMap<>();
            for (int i = 0; i < checks.inputs().size(); i++) {
                pulled.put(inputName(i), pullback.input(i).toDoubleArray());
            }
            for (ParameterSpec spec : checks.trained()) {
                Tensor sum = scope.allocate(spec.shape().prepend(1), DType.FLOAT64);
                pullback.parameter(spec.name())
                        .execute(List.of(new ContractionTask(new Contraction.Sum(), List.of(sum), null, false)));
                pulled.put(spec.name(), sum.toDoubleArray());
            }
            return pulled;
        }
    }

    private Tangents tangents(HeapBackend backend, TensorScope scope, Set<String> moving) {
        List<Optional<Tensor>> inputs = new ArrayList<>();
        for (int i = 0; i < checks.inputs().size(); i++) {
            String name = inputName(i);
            inputs.add(moving.contains(name) ? Optional.of(upload(backend, scope, name)) : Optional.empty());
        }
        Map<String, Tensor> parameters = new HashMap<>();
        for (ParameterSpec spec : checks.trained()) {
            if (moving.contains(spec.name())) {
                parameters.put(spec.name(), upload(backend, scope, spec.name()));
            }
        }
        return new Tangents(COLUMNS, inputs, parameters);
    }

    private Tensor upload(HeapBackend backend, TensorScope scope, String name) {
        return backend.upload(scope, shape(name).prepend(COLUMNS), DType.FLOAT64, direction(name));
    }

    private void requireUnchanged(Tangents tangents) {
        for (int i = 0; i < tangents.inputs().size(); i++) {
            String name = inputName(i);
            tangents.input(i).ifPresent(tensor -> requireUnchanged(name, tensor));
        }
        tangents.parameters().forEach(this::requireUnchanged);
    }

    private void requireUnchanged(String name, Tensor tangent) {
        assertThat(tangent.toDoubleArray())
                .as("tangents of " + name + " afterwards")
                .containsExactly(direction(name));
    }

    /**
     * The derivative along one column by differences over five points, (8 (f(h) − f(−h)) − (f(2h) − f(−2h))) / 12h:
     * off by h⁴, since normalised layers one behind the other have third derivatives above 10⁵.
     */
    private double[] difference(Set<String> moving, int column, double step, Supplier<double[]> function) {
        Map<String, double[]> old = new HashMap<>();
        moving.forEach(name -> old.put(name, numbers(name).clone()));
        double[] near = across(old, column, step, function);
        double[] far = across(old, column, 2 * step, function);
        move(old, column, 0);
        double[] derivative = new double[near.length];
        for (int i = 0; i < near.length; i++) {
            derivative[i] = (8 * near[i] - far[i]) / (12 * step);
        }
        return derivative;
    }

    /** f(h) − f(−h). */
    private double[] across(Map<String, double[]> from, int column, double step, Supplier<double[]> function) {
        move(from, column, step);
        double[] high = function.get();
        move(from, column, -step);
        return Numbers.difference(high, function.get());
    }

    private void move(Map<String, double[]> from, int column, double step) {
        from.forEach((name, old) -> {
            double[] direction = column(direction(name), column);
            double[] values = numbers(name);
            for (int i = 0; i < old.length; i++) {
                values[i] = old[i] + step * direction[i];
            }
        });
    }

    /** Σ ⟨x, t_v⟩ over all names. */
    private double dot(Map<String, double[]> x, int column) {
        return x.entrySet().stream()
                .mapToDouble(entry -> dot(entry.getValue(), column(direction(entry.getKey()), column)))
                .sum();
    }

    private static double dot(double[] a, double[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += a[i] * b[i];
        }
        return sum;
    }

    private static double[] column(double[] values, int column) {
        int size = values.length / COLUMNS;
        return Arrays.copyOfRange(values, column * size, (column + 1) * size);
    }

    private double[] numbers(String name) {
        return Objects.requireNonNull(numbers.get(name));
    }

    private double[] direction(String name) {
        return Objects.requireNonNull(directions.get(name));
    }

    private Shape shape(String name) {
        return Objects.requireNonNull(shapes.get(name));
    }
}
