// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.module;

import static org.assertj.core.api.Assertions.assertThat;

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
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * Goes there and back through a module, and forward with tangents, with some samples of a batch and some columns. All
 * numbers are those of the whole batch and of all columns, whatever part of them is used.
 */
final class ModuleRun {

    static final int SAMPLES = 5;
    static final int COLUMNS = 3;

    /** The columns of the gradient that second derivatives are contracted with. */
    private static final int ONE = 1;

    private final HeapBackend backend;
    private final ModuleCase it;
    private final ModuleDeclaration declaration;
    private final DType dtype;
    private final int from;
    private final int to;
    private final int fromColumn;
    private final int toColumn;
    private final Random random = new Random(7);
    private final Map<Tensor, double[]> given = new HashMap<>();
    private final Map<String, double[]> columns = new LinkedHashMap<>();

    private ModuleRun(HeapBackend backend, ModuleCase it, DType dtype, int from, int to, int fromColumn, int toColumn) {
        this.backend = backend;
        this.it = it;
        this.declaration = it.module().declare(it.inputs());
        this.dtype = dtype;
        this.from = from;
        this.to = to;
        this.fromColumn = fromColumn;
        this.toColumn = toColumn;
    }

    /** All samples and columns. */
    static ModuleOutcome whole(ModuleCase it, DType dtype) {
        return of(it, dtype, 0, SAMPLES, 0, COLUMNS);
    }

    /** The samples from {@code from} to {@code to}, and the columns from {@code fromColumn} to {@code toColumn}. */
    static ModuleOutcome of(ModuleCase it, DType dtype, int from, int to, int fromColumn, int toColumn) {
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            return new ModuleRun(backend, it, dtype, from, to, fromColumn, toColumn).run(scope);
        }
    }

    private ModuleOutcome run(TensorScope scope) {
        List<Tensor> inputs = new ArrayList<>();
        for (Shape shape : it.inputs()) {
            inputs.add(upload(scope, shape.prepend(to - from), part(numbers(SAMPLES, shape), shape, 0, ONE)));
        }
        Map<String, Tensor> parameters = new HashMap<>();
        for (ParameterSpec spec : declaration.parameters()) {
            double[] drawn = numbers(1, spec.shape());
            double[] values = spec.trainable() ? drawn : Numbers.positive(drawn);
            parameters.put(spec.name(), upload(scope, spec.shape(), spec.dtype(dtype), values));
        }
        Tensor cotangents = columns(scope, declaration.output());
        Evaluation evaluation = it.module().evaluate(context(scope), inputs, parameters);
        Tensor output = evaluation.output();
        check(output, declaration.output().prepend(to - from));
        double[] outputValues = output.toDoubleArray();
        try (TensorScope back = backend.openScope()) {
            walkBack(evaluation.pullback(context(back), cotangents), back);
        }
        Tangents tangents = tangents(scope);
        Shape out = declaration.output();
        Tensor gradient = upload(scope, out.prepend(ONE, to - from), part(numbers(SAMPLES, out), out, 0, ONE));
        try (TensorScope forward = backend.openScope()) {
            pushForward(evaluation, context(forward), tangents);
        }
        try (TensorScope back = backend.openScope()) {
            pullTangentsBack(evaluation, context(back), gradient, tangents);
        }
        given.forEach((tensor, values) -> assertThat(tensor.toDoubleArray())
                .as("given numbers afterwards")
                .containsExactly(values));
        assertThat(output.toDoubleArray()).as("output afterwards").containsExactly(outputValues);
        assertThat(backend.openScopes()).as("open scopes").isEqualTo(1);
        return new ModuleOutcome(outputValues, columns);
    }

    private TestContext context(TensorScope scope) {
        long[] ids = IntStream.range(from, to).asLongStream().toArray();
        return new TestContext(backend, scope, ids, new RandomKey(5, 0, 0));
    }

    private void walkBack(Pullback pullback, TensorScope scope) {
        int count = toColumn - fromColumn;
        int samples = to - from;
        for (int i = 0; i < it.inputs().size(); i++) {
            put("input " + i, pullback.input(i), it.inputs().get(i).prepend(count, samples));
        }
        for (ParameterSpec spec : trained()) {
            ParameterDerivatives derivatives = pullback.parameter(spec.name());
            assertThat(derivatives.columns()).as("columns").isEqualTo(count);
            assertThat(derivatives.samples()).as("samples").isEqualTo(samples);
            assertThat(derivatives.parameter()).as("parameter").isEqualTo(spec.shape());
            assertThat(derivatives.dtype()).as("type").isEqualTo(dtype);
            Tensor gradients = scope.allocate(spec.shape().prepend(count, samples), dtype);
            derivatives.perSample(new Block(0, count, 0, samples), gradients);
            put("gradients of " + spec.name(), gradients, gradients.shape());
            Tensor sum = scope.allocate(spec.shape().prepend(count), dtype);
            derivatives.execute(List.of(new ContractionTask(new Contraction.Sum(), List.of(sum), null, false)));
            put(ModuleOutcome.SUM + " of gradients of " + spec.name(), sum, sum.shape());
        }
    }

    /** Nothing of a module without. */
    private void pushForward(Evaluation evaluation, TestContext context, Tangents tangents) {
        Tensor pushed;
        try {
            pushed = evaluation.pushforward(context, tangents);
        } catch (BackpackException e) {
            TangentChecks.requireUnsupported(e);
            return;
        }
        put("forward", pushed, declaration.output().prepend(toColumn - fromColumn, to - from));
    }

    /** Nothing of a module without. */
    private void pullTangentsBack(Evaluation evaluation, TestContext context, Tensor gradient, Tangents tangents) {
        PullbackTangent change;
        try {
            change = evaluation.pullbackTangent(context, gradient, tangents);
        } catch (BackpackException e) {
            TangentChecks.requireUnsupported(e);
            return;
        }
        for (int i = 0; i < it.inputs().size(); i++) {
            Shape shape = it.inputs().get(i).prepend(toColumn - fromColumn, to - from);
            String name = "change of input " + i;
            change.input(i)
                    .ifPresentOrElse(
                            tensor -> put(name, tensor, shape),
                            () -> columns.put(name, new double[(int) shape.elements()]));
        }
        for (ParameterSpec spec : trained()) {
            Tensor sum = context.scope().allocate(spec.shape().prepend(toColumn - fromColumn), dtype);
            backend.elementwise().fill(sum, 0);
            change.addToParameter(spec.name(), sum);
            put(ModuleOutcome.SUM + " of changes of " + spec.name(), sum, sum.shape());
        }
    }

    /** All inputs and parameters move. */
    private Tangents tangents(TensorScope scope) {
        List<Optional<Tensor>> inputs = new ArrayList<>();
        for (Shape shape : it.inputs()) {
            inputs.add(Optional.of(columns(scope, shape)));
        }
        Map<String, Tensor> parameters = new HashMap<>();
        for (ParameterSpec spec : trained()) {
            double[] all = numbers(COLUMNS, spec.shape());
            int size = (int) spec.shape().elements();
            parameters.put(
                    spec.name(),
                    upload(
                            scope,
                            spec.shape().prepend(toColumn - fromColumn),
                            Arrays.copyOfRange(all, fromColumn * size, toColumn * size)));
        }
        return new Tangents(toColumn - fromColumn, inputs, parameters);
    }

    private List<ParameterSpec> trained() {
        return declaration.parameters().stream()
                .filter(ParameterSpec::trainable)
                .toList();
    }

    private void put(String name, Tensor tensor, Shape shape) {
        check(tensor, shape);
        columns.put(name, tensor.toDoubleArray());
    }

    private void check(Tensor tensor, Shape shape) {
        assertThat(tensor.shape()).as("shape").isEqualTo(shape);
        assertThat(tensor.dtype()).as("type").isEqualTo(dtype);
    }

    /** Numbers of single precision, away from zero, where functions have kinks. */
    private double[] numbers(int count, Shape shape) {
        double[] values = Randomness.normal(random, count * shape.elements());
        return Arrays.stream(values)
                .map(value -> (float) (value + Math.signum(value) * 0.01))
                .toArray();
    }

    /** Random columns {@code [V, N, *shape]}. */
    private Tensor columns(TensorScope scope, Shape shape) {
        double[] all = numbers(COLUMNS * SAMPLES, shape);
        return upload(scope, shape.prepend(toColumn - fromColumn, to - from), part(all, shape, fromColumn, toColumn));
    }

    private Tensor upload(TensorScope scope, Shape shape, double[] values) {
        return upload(scope, shape, dtype, values);
    }

    private Tensor upload(TensorScope scope, Shape shape, DType type, double[] values) {
        Tensor tensor = backend.upload(scope, shape, type, values);
        given.put(tensor, tensor.toDoubleArray());
        return tensor;
    }

    /** The samples of some columns of {@code [V, N, *shape]}. */
    private double[] part(double[] all, Shape shape, int firstColumn, int endColumn) {
        int size = (int) shape.elements();
        int length = (to - from) * size;
        double[] result = new double[(endColumn - firstColumn) * length];
        for (int column = firstColumn; column < endColumn; column++) {
            System.arraycopy(all, (column * SAMPLES + from) * size, result, (column - firstColumn) * length, length);
        }
        return result;
    }
}
