// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear.loss;

import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The targets of a cross-entropy: the terms at a position are −a_k log p_k, and a_k sum up to s. One class has all of
 * s, or all classes have some.
 *
 * @param labels the class that has all, {@code [N, *]}; null if all have some
 * @param terms a, {@code [N, C, *]}; null if one has all
 * @param sums s, {@code [N, *]}; null if all are 1
 * @param rootSums √s; null if all are 1
 */
record WeightedClasses(
        @Nullable Tensor labels,
        @Nullable Tensor terms,
        @Nullable Tensor sums,
        @Nullable Tensor rootSums) {

    static WeightedClasses of(EvaluationContext context, Tensor output, Tensor targets, CrossEntropyLoss loss) {
        DType dtype = output.dtype();
        TensorScope results = context.scope();
        if (targets.dtype().isFloating()) {
            Tensor terms = results.allocate(output.shape(), dtype);
            context.backend().elementwise().copy(targets, terms);
            return spread(context, terms, null, loss);
        }
        if (loss.labelSmoothing() == 0) {
            ClassTargets classes =
                    ClassTargets.of(results, targets, dtype, output.shape().size(1), loss.weight(), loss.ignoreIndex());
            Tensor roots = results.allocate(targets.shape(), dtype);
            Tensor factors = classes.factors();
            if (factors == null) {
                return new WeightedClasses(classes.labels(), null, null, null);
            }
            context.backend().elementwise().apply(UnaryOperation.SQRT, factors, roots);
            return new WeightedClasses(classes.labels(), null, factors, roots);
        }
        try (TensorScope scope = context.backend().openScope()) {
            // What is ignored has no weight, whatever those of the classes are: those count below.
            ClassTargets classes =
                    ClassTargets.of(scope, targets, dtype, output.shape().size(1), null, loss.ignoreIndex());
            Tensor terms = results.allocate(output.shape(), dtype);
            context.backend().elementwise().fill(terms, 0);
            context.backend().indexing().addAt(classes.labels(), 1, 1, terms);
            return spread(context, terms, classes.factors(), loss);
        }
    }

    /** Smooths and weighs probabilities. */
    private static WeightedClasses spread(
            EvaluationContext context, Tensor terms, @Nullable Tensor counted, CrossEntropyLoss loss) {
        Elementwise ops = context.backend().elementwise();
        Shape shape = terms.shape();
        double smoothing = loss.labelSmoothing();
        ops.affine(terms, 1 - smoothing, smoothing / shape.size(1), terms);
        Tensor sums = context.scope().allocate(shape.dropFirst(2).prepend(shape.size(0)), terms.dtype());
        try (TensorScope scope = context.backend().openScope()) {
            List<Double> weight = loss.weight();
            if (weight != null) {
                double[] numbers = weight.stream().mapToDouble(value -> value).toArray();
                long[] sizes = new long[shape.rank() - 1];
                Arrays.fill(sizes, 1);
                sizes[0] = numbers.length;
                Tensor weights = scope.allocate(Shape.of(sizes), terms.dtype());
                weights.write(0, numbers, 0, numbers.length);
                ops.combine(BinaryOperation.MULTIPLY, terms, weights, terms);
            }
            if (counted != null) {
                ops.combine(BinaryOperation.MULTIPLY, terms, scope.view(counted, shape.with(1, 1)), terms);
            }
        }
        context.backend().reductions().reduce(Reduction.SUM, terms, 1, 2, sums);
        Tensor roots = context.scope().allocate(sums.shape(), terms.dtype());
        ops.apply(UnaryOperation.SQRT, sums, roots);
        return new WeightedClasses(null, terms, sums, roots);
    }
}
