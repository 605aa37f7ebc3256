// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.loss;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.RecordArguments;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A loss L = c · Σ_n ℓ(f_n, y_n): an immutable description, best a record. The factor c is what a reduction comes to;
 * it is fixed for a whole batch before any part of it is evaluated, and rides in everything that {@link LossEvaluation}
 * returns except the values.
 *
 * <pre>{@code
 * double factor = loss.normaliser(output.shape(), targets);
 * LossEvaluation evaluation = loss.evaluate(context, output, targets, factor);
 * Tensor perSample = evaluation.values();
 * Tensor gradient = evaluation.gradient();
 * }</pre>
 */
public interface Loss {

    /** The type's name in model files and messages. */
    default String type() {
        return getClass().getSimpleName();
    }

    /**
     * The arguments from which the {@link LossProvider} of this type makes an equal loss, by their names in a model
     * file: numbers, flags, words, lists of such, or null. By default the components of the record, see {@link
     * RecordArguments}.
     *
     * @throws BackpackException {@code [NotWritable]} if they are not known
     */
    default Map<String, @Nullable Object> arguments() {
        return RecordArguments.of(this, type());
    }

    /**
     * Checks shapes and types.
     *
     * @param output the shape of the network's output, {@code [N, *out]}
     * @param targets the shape of the targets, batch first
     * @param targetType their type
     * @throws BackpackException if they do not fit
     */
    void validate(Shape output, Shape targets, DType targetType);

    /**
     * Checks the targets' values, such as class indices.
     *
     * @param output the shape of the network's output, {@code [N, *out]}
     * @throws BackpackException naming the first wrong one
     */
    default void validateValues(Shape output, Tensor targets) {}

    /**
     * The factor c, from the whole batch: 1 for a sum, one over the number of averaged terms for a mean.
     *
     * @param output the shape of the network's output for the whole batch
     * @param targets all targets of the batch
     */
    double normaliser(Shape output, Tensor targets);

    /**
     * The factor that this loss would have with the reduction {@code mean}, if it is a sum; else, and by default, its
     * own factor c.
     *
     * @param output the shape of the network's output for the whole batch
     * @param targets all targets of the batch
     */
    default double meanNormaliser(Shape output, Tensor targets) {
        return normaliser(output, targets);
    }

    /**
     * The factor c of several batches taken as one, from theirs; see {@link LossReduction#normaliserOfAll}. It does not
     * matter, but for rounding, if some of them were joined before: that of (a, b, c) is that of a with that of (b, c).
     *
     * @throws BackpackException if the loss does not say, as by default: then batches are not joined
     */
    default double normaliserOfAll(double... ofBatches) {
        throw new BackpackException(
                CommonProblems.NOT_MERGEABLE,
                "Loss %s does not say what its factor is for several batches together. Take them as one batch."
                        .formatted(type()));
    }

    /**
     * The axes of a sample's output that hold positions, counted without the batch: the loss is a sum of terms that see
     * one position each, and the root of its Hessian, if it has one, has {@link HessianRoot#superposed superposed}
     * columns. None by default.
     *
     * @param output the shape of the network's output, {@code [N, *out]}
     */
    default List<Integer> positionAxes(Shape output) {
        return List.of();
    }

    /**
     * What to use instead of the Gauss-Newton matrix, where the Hessian of the loss by the network's output is zero
     * wherever it exists: that matrix is zero
     * too, and plans refuse its extensions with this advice. Such a loss still offers a root and products, which are
     * zero, for the network's own Hessian is
     * not. Nothing by default.
     *
     * @return sentences that tell a user what to do
     */
    default Optional<String> insteadOfGaussNewton() {
        return Optional.empty();
    }

    /**
     * Evaluates the loss at some samples of a batch.
     *
     * @param context where results are allocated
     * @param output {@code [N, *out]}, alive as long as the evaluation
     * @param targets the targets of these samples, alive as long as the evaluation
     * @param normaliser c
     */
    LossEvaluation evaluate(EvaluationContext context, Tensor output, Tensor targets, double normaliser);
}
