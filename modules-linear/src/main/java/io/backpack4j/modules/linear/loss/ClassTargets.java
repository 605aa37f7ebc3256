// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear.loss;

import io.backpack4j.modules.linear.LinearProblems;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;

/**
 * Class indices of some samples, and how much each counts.
 *
 * @param labels {@code [N, *]}: 0 where the target is ignored and no class
 * @param factors {@code [N, *]}: the weight of the target's class, 0 where it is ignored; null if all are 1
 */
record ClassTargets(Tensor labels, @Nullable Tensor factors) {

    private static final int CHUNK = 1 << 14;

    /**
     * Reads targets. What is allocated does not depend on their values, for a plan counts it before they are known.
     *
     * @param scope where new tensors are allocated
     * @param dtype the type of the factors
     * @param classes C
     */
    static ClassTargets of(
            TensorScope scope,
            Tensor targets,
            DType dtype,
            long classes,
            @Nullable List<Double> weight,
            long ignoreIndex) {
        Tensor labels = scope.allocate(targets.shape(), DType.INT64);
        Tensor factors = scope.allocate(targets.shape(), dtype);
        if (weight == null && !contains(targets, index -> index == ignoreIndex)) {
            return new ClassTargets(targets, null);
        }
        long elements = targets.shape().elements();
        long[] indices = new long[(int) Math.min(CHUNK, elements)];
        double[] counts = new double[indices.length];
        for (long from = 0; from < elements; from += indices.length) {
            int count = (int) Math.min(indices.length, elements - from);
            targets.read(from, indices, 0, count);
            for (int i = 0; i < count; i++) {
                counts[i] = factor(indices[i], weight, ignoreIndex);
                indices[i] = indices[i] >= 0 && indices[i] < classes ? indices[i] : 0;
            }
            labels.write(from, indices, 0, count);
            factors.write(from, counts, 0, count);
        }
        return new ClassTargets(labels, factors);
    }

    /** Refuses weights that are not one per class. */
    static void requireFit(Loss loss, @Nullable List<Double> weight, Shape output) {
        if (weight != null && weight.size() != output.size(1)) {
            throw new BackpackException(
                    CommonProblems.SHAPE_MISMATCH,
                    "Argument 'weight' of %s has %d numbers, but the network's output has %d classes. Give one weight for every class."
                            .formatted(loss.type(), weight.size(), output.size(1)));
        }
    }

    /** One over the weights of all targets that are not ignored; 1 for a sum, and if there are none. */
    static double normaliser(LossReduction reduction, Tensor targets, @Nullable List<Double> weight, long ignoreIndex) {
        double sum = reduction == LossReduction.SUM ? 0 : sum(targets, weight, ignoreIndex);
        return sum == 0 ? 1 : 1 / sum;
    }

    /** Refuses a mean over nothing. */
    static void requireSome(
            Loss loss, LossReduction reduction, Tensor targets, @Nullable List<Double> weight, long ignoreIndex) {
        long elements = targets.shape().elements();
        if (reduction == LossReduction.MEAN
                && elements > 0
                && !contains(targets, index -> factor(index, weight, ignoreIndex) > 0)) {
            throw new BackpackException(
                    LinearProblems.INVALID_TARGET,
                    "All %d targets of the batch are ignored or have a class of weight 0, so that the mean of %s is over nothing, which is NaN in PyTorch. Leave the batch out, or take the reduction sum."
                            .formatted(elements, loss.type()));
        }
    }

    private static double sum(Tensor targets, @Nullable List<Double> weight, long ignoreIndex) {
        double sum = 0;
        long elements = targets.shape().elements();
        long[] indices = new long[(int) Math.min(CHUNK, elements)];
        for (long from = 0; from < elements; from += indices.length) {
            int count = (int) Math.min(indices.length, elements - from);
            targets.read(from, indices, 0, count);
            sum = add(sum, indices, count, weight, ignoreIndex);
        }
        return sum;
    }

    private static double add(
            double before, long[] indices, int count, @Nullable List<Double> weight, long ignoreIndex) {
        double sum = before;
        for (int i = 0; i < count; i++) {
            sum += factor(indices[i], weight, ignoreIndex);
        }
        return sum;
    }

    private static double factor(long index, @Nullable List<Double> weight, long ignoreIndex) {
        if (index == ignoreIndex) {
            return 0;
        }
        return weight == null ? 1 : weight.get((int) index);
    }

    /** Whether there is such a target; looks no further than the first. */
    private static boolean contains(Tensor targets, LongPredicate wanted) {
        long elements = targets.shape().elements();
        long[] indices = new long[(int) Math.min(CHUNK, elements)];
        for (long from = 0; from < elements; from += indices.length) {
            int count = (int) Math.min(indices.length, elements - from);
            targets.read(from, indices, 0, count);
            for (int i = 0; i < count; i++) {
                if (wanted.test(indices[i])) {
                    return true;
                }
            }
        }
        return false;
    }
}
