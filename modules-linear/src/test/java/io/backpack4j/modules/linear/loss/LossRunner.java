// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear.loss;

import io.backpack4j.spi.backend.RandomKey;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.loss.LossEvaluation;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.TestContext;
import io.backpack4j.testkit.heap.HeapBackend;
import java.util.function.Function;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/**
 * Evaluates a loss at some outputs and targets.
 *
 * @param loss the loss
 * @param shape the shape of the outputs
 * @param targetShape the shape of the targets
 * @param targetType their type
 * @param targets their values
 */
record LossRunner(Loss loss, Shape shape, Shape targetShape, DType targetType, double[] targets) {

    static final RandomKey KEY = new RandomKey(17, 0, 0);

    static LossRunner of(Loss loss, Shape shape, double[] targets) {
        boolean classes = isOfClasses(loss);
        Shape targetShape = classes ? shape.dropFirst(2).prepend(shape.size(0)) : shape;
        return new LossRunner(loss, shape, targetShape, classes ? DType.INT64 : DType.FLOAT64, targets);
    }

    static boolean isOfClasses(Loss loss) {
        return loss instanceof CrossEntropyLoss || loss instanceof NLLLoss;
    }

    long samples() {
        return shape.size(0);
    }

    /** c. */
    double normaliser() {
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            return loss.normaliser(shape, backend.upload(scope, targetShape, targetType, targets));
        }
    }

    double[] values(double[] output) {
        return evaluate(output, LossEvaluation::values, Shape.of(samples()));
    }

    double[] gradient(double[] output) {
        return evaluate(output, LossEvaluation::gradient, shape.prepend(1));
    }

    long rootCount() {
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            return evaluation(backend, scope, DType.FLOAT64, new double[(int) shape.elements()])
                    .hessianRoot()
                    .orElseThrow()
                    .count();
        }
    }

    double[] root(double[] output, long from, long to) {
        return evaluate(output, it -> it.hessianRoot().orElseThrow().columns(from, to), shape.prepend(to - from));
    }

    double[] sampled(double[] output, int from, int to, int total) {
        return evaluate(
                output,
                it -> it.gradientSampler().orElseThrow().columns(KEY, from, to, total),
                shape.prepend(to - from));
    }

    double[] product(double[] output, long columns, double[] tangents) {
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            Tensor given = backend.upload(scope, shape.prepend(columns), DType.FLOAT64, tangents);
            return evaluation(backend, scope, DType.FLOAT64, output)
                    .hessianProduct()
                    .orElseThrow()
                    .multiply(given)
                    .toDoubleArray();
        }
    }

    /** One sample, under the id that it has in the batch; c stays that of the batch. */
    double[] sampledAlone(int sample, double[] output, int total) {
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            Tensor outputs = backend.upload(scope, shape, DType.FLOAT64, output);
            Tensor allTargets = backend.upload(scope, targetShape, targetType, targets);
            TestContext context = new TestContext(backend, scope, new long[] {sample}, KEY);
            return loss.evaluate(
                            context,
                            scope.rows(outputs, sample, sample + 1),
                            scope.rows(allTargets, sample, sample + 1),
                            normaliser())
                    .gradientSampler()
                    .orElseThrow()
                    .columns(KEY, 0, total, total)
                    .toDoubleArray();
        }
    }

    boolean allFinite(DType dtype, double[] output) {
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            LossEvaluation evaluation = evaluation(backend, scope, dtype, output);
            var root = evaluation.hessianRoot().orElseThrow();
            Tensor ones = scope.allocate(shape.prepend(1), dtype);
            backend.elementwise().fill(ones, 1);
            Stream<Tensor> everything = Stream.of(
                    evaluation.values(),
                    evaluation.gradient(),
                    root.columns(0, root.count()),
                    root.reduced().columns(0, root.reduced().count()),
                    evaluation.gradientSampler().orElseThrow().columns(KEY, 0, 2, 2),
                    evaluation.hessianProduct().orElseThrow().multiply(ones));
            return everything.allMatch(backend.reductions()::allFinite);
        }
    }

    private double[] evaluate(double[] output, Function<LossEvaluation, Tensor> part, Shape expected) {
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            Tensor tensor = part.apply(evaluation(backend, scope, DType.FLOAT64, output));
            if (!tensor.shape().equals(expected)) {
                throw new AssertionError("Shape " + tensor.shape() + " instead of " + expected);
            }
            return tensor.toDoubleArray();
        }
    }

    private LossEvaluation evaluation(HeapBackend backend, TensorScope scope, DType dtype, double[] output) {
        Tensor outputs = backend.upload(scope, shape, dtype, output);
        Tensor given = backend.upload(scope, targetShape, targetType, targets);
        TestContext context =
                new TestContext(backend, scope, LongStream.range(0, samples()).toArray(), KEY);
        return loss.evaluate(context, outputs, given, normaliser());
    }
}
