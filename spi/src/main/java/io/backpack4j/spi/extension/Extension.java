// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.extension;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.module.MergeRule;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A quantity that one backward pass computes beside the gradient: an immutable description, best a record. Equal
 * extensions ask for the same.
 *
 * <p>Most extensions write {@link #declare} and {@link #finish}. One whose second walk depends on the outcome of the
 * first over the whole network, such as clipping by the total norm, has two {@link #stages} and a {@link #fold} between
 * them.
 *
 * <pre>{@code
 * public record SumOfSquares() implements Extension<Tensor> {
 *
 *     public String resultName() {
 *         return "sum_of_squares";
 *     }
 *
 *     public void declare(int stage, SiteDeclaration site) {
 *         site.accumulate("squares", new LossGradient(), new Contraction.SumOfSquares());
 *     }
 *
 *     public Tensor finish(SitePartial partial) {
 *         return partial.tensor("squares");
 *     }
 *
 *     public Map<String, Tensor> export(Tensor result) {
 *         return Map.of("", result);
 *     }
 * }
 * }</pre>
 *
 * @param <R> the result per parameter; its tensors are those that {@link #export} names
 */
public interface Extension<R> {

    /** The name by which users ask for it, such as {@code BatchGrad}. */
    default String type() {
        return getClass().getSimpleName();
    }

    /** The name of its results, such as {@code grad_batch}: they stand under {@code <parameter>/<name>}. */
    String resultName();

    /** How often the backward pass walks the parameters. */
    default int stages() {
        return 1;
    }

    /**
     * Declares what a stage needs at a parameter. Declaring nothing leaves the parameter out.
     *
     * @param stage counted from 1
     * @throws BackpackException if the options do not fit the batch
     */
    void declare(int stage, SiteDeclaration site);

    /** Fills partial results of the extension's own, wherever {@link SiteDeclaration#visit} asked for it. */
    default void extract(int stage, SiteVisit visit) {}

    /**
     * Makes network-wide tensors of a stage's partial results. Later stages see them through {@link #operand} and
     * {@link SitePartial#folded}.
     */
    default Map<String, Tensor> fold(int stage, NetworkPartial partial) {
        return Map.of();
    }

    /**
     * Supplies the operand {@code name} of a contraction at a parameter: weights {@code [K, V, N]} of the whole batch,
     * or vectors {@code [K, *p]}.
     */
    default Tensor operand(String name, SitePartial site) {
        throw new BackpackException(
                CommonProblems.UNKNOWN_OPERAND, "Extension " + type() + " has no operand '" + name + "'.");
    }

    /**
     * The operands of the network that a run brings, by name: see {@link SiteDeclaration#operand}, which declares those
     * of a parameter.
     *
     * @return their shapes
     */
    default Map<String, Shape> networkOperands() {
        return Map.of();
    }

    /**
     * Declares reductions of a node's outputs, by keys of the extension's own. They are made while the first stage goes
     * forward, and {@link #fold} and {@link NetworkExtension#finishNetwork} see them in {@link NetworkPartial#nodes}.
     * Asked of every node, with and without parameters; a network without trained parameters may be observed, too.
     */
    default Map<String, NodeReduction> observe(ObservedNode node) {
        return Map.of();
    }

    /**
     * The matrices of the whole network that {@link #fold} and {@link NetworkExtension#finishNetwork} multiply with, by
     * {@link NetworkPartial#product}. The evaluated network is kept for them.
     */
    default Set<CurvatureMatrix> networkMatrices() {
        return Set.of();
    }

    /**
     * What to use instead where {@link ResidualCurvature} was asked for and there is none: an imperative sentence
     * without its full stop. See {@link SiteDeclaration#hasResidualCurvature}.
     */
    default Optional<String> insteadOfResidualCurvature() {
        return Optional.empty();
    }

    /**
     * Makes the result of a parameter. Partial tensors may be part of it as they are; changed ones are allocated in its
     * scope.
     */
    R finish(SitePartial partial);

    /**
     * Names the tensors of a result: {@code ""} for one that stands under the result's name itself, {@code "0"} for
     * {@code name/0}.
     */
    Map<String, Tensor> export(R result);

    /**
     * How results of parts of the batch become those of the whole. With {@link MergeRule#PER_SAMPLE}, every tensor that
     * {@link #export} names is {@code [N, …]}, with {@link MergeRule#PER_COLUMN_AND_SAMPLE} {@code [V, N, …]}, and
     * {@link #finish} treats samples, and columns, one by one: called with partial results of some of them, it makes
     * that part of the results. Such results may leave a pass part by part, so that they never are in memory as a
     * whole. Everything else must be finished as a whole: {@link MergeRule#NOT_MERGEABLE}.
     */
    default MergeRule resultRule() {
        return MergeRule.NOT_MERGEABLE;
    }

    /**
     * Whether sizes of results may turn out smaller than planned, since they depend on numbers: how many eigenvalues
     * are above a threshold, for example. A plan states the largest possible ones ({@link NetworkPartial#isTrial}).
     * Results never leave a pass part by part then.
     */
    default boolean hasVariableSizes() {
        return false;
    }

    /**
     * Names folded tensors that are results of the whole network, under {@code *}{@code /<name>}. A {@link
     * NetworkExtension} has a typed result of its own.
     */
    default Map<String, Tensor> exportNetwork(Map<String, Tensor> folded) {
        return Map.of();
    }
}
