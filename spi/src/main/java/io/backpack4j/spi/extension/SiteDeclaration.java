// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.extension;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.CrossInnerProducts;
import io.backpack4j.spi.module.KroneckerSizes;
import io.backpack4j.spi.module.MergeRule;
import io.backpack4j.spi.module.Operand;
import io.backpack4j.spi.tensor.Shape;
import java.util.Optional;
import java.util.OptionalLong;

/** What an extension needs at one parameter, with all the parameter's uses. Filled in when a plan is made. */
public interface SiteDeclaration {

    /** The parameter's full name, such as {@code 0.weight}. */
    String parameter();

    /** The parameter's shape. */
    Shape shape();

    /** The sizes of the parameter's Kronecker factors, if it has an input side. */
    default Optional<KroneckerSizes> kronecker() {
        return Optional.empty();
    }

    /**
     * How many of the parameter's rows a sample looks up at most, if that is fewer than it has; nothing for a parameter
     * of which all rows may have gradients.
     */
    default OptionalLong lookups() {
        return OptionalLong.empty();
    }

    /** The number of samples of the batch. */
    long samples();

    /**
     * Asks for a contraction of a signal, accumulated over the batch into the partial result {@code key}. The merge
     * rule follows from the contraction.
     */
    void accumulate(String key, Signal signal, Contraction contraction);

    /**
     * Asks for inner products of the gradients of two signals, which may be the same, as the partial result {@code
     * key}. Its degree in the loss's factor is the sum of theirs. Neither may be a {@link CondensedSignal} or {@link
     * ResidualCurvature}.
     */
    void accumulate(String key, Signal left, Signal right, CrossInnerProducts products);

    /**
     * Asks for the part that the parameter has in inner products over a group of parameters: those that name the group.
     * They are added up parameter by parameter, so that one tensor is kept for all; {@link NetworkPartial#group} hands
     * it out. Every parameter of a group declares the same signals and products, in the same stage.
     *
     * @param group a name of the extension's own, such as {@code all}
     */
    void accumulateInGroup(String group, Signal left, Signal right, CrossInnerProducts products);

    /**
     * Asks for a partial result that the extension fills itself in {@link Extension#extract}; zero at first, and −∞ for
     * {@link MergeRule#MAX}.
     *
     * @param shape the whole shape, except that {@link MergeRule#PER_SAMPLE} gets an axis N in front of it and {@link
     *     MergeRule#PER_COLUMN_AND_SAMPLE} the axes V and N of {@code signal}; {@link MergeRule#MOMENTS} is for
     *     contractions only
     */
    void partial(String key, Signal signal, MergeRule rule, Shape shape);

    /**
     * Asks for a partial result that the extension fills itself, and says how it scales with the loss: sessions over
     * several batches need that wherever the loss's factor c depends on the batch.
     *
     * @param degree d if the partial result is c^d times that of c = 1: the signal's {@link Signal#degree} for what is
     *     linear in its columns, twice that for their squares, 0 for counts
     */
    default void partial(String key, Signal signal, MergeRule rule, Shape shape, double degree) {
        partial(key, signal, rule, shape);
    }

    /**
     * Declares an operand of this parameter that whoever starts a run brings with it: a tensor of the model's type. It
     * is asked for at every run, and changing it makes no new plan. Extensions that declare the same name at a
     * parameter share it. {@link Extension#networkOperands} declares those of the network.
     *
     * @param name without a slash
     * @param shape the same for all extensions that declare it
     * @return for contractions
     */
    default Operand operand(String name, Shape shape) {
        throw new BackpackException(
                CommonProblems.INVALID_DECLARATION,
                "Operands of a run cannot be declared here: '%s' was.".formatted(name));
    }

    /** Asks that {@link Extension#extract} be called for a signal. */
    void visit(Signal signal);

    /** Asks for products with the parameter's block of a matrix. */
    void product(String key, CurvatureMatrix matrix);

    /**
     * Whether {@link ResidualCurvature} can be accumulated here: no element of the parameter is used twice, every node
     * from the parameter to the loss says what it adds to the Hessian at its inputs ({@link
     * io.backpack4j.spi.module.Evaluation#curvature}), and samples do not influence each other. Where a plan is made,
     * the nodes are asked once, without numbers.
     */
    default boolean hasResidualCurvature() {
        return true;
    }

    /**
     * Whether {@link ResidualCurvature} can be accumulated here and is known to be zero, because no node from the
     * parameter to the loss adds anything to the Hessian at its inputs, as in networks of linear maps, rectifiers and
     * maxima: the Hessian is the generalised Gauss-Newton matrix then.
     */
    default boolean residualCurvatureIsZero() {
        return false;
    }

    /**
     * Asks for the diagonal of the parameter's block of a matrix as the partial result {@code key}, made by products
     * with unit vectors, one for every element of the parameter: exact wherever products are, and far dearer than
     * contractions. The plan says how many products there are ({@code Plan.unitProducts}).
     *
     * @param matrix one that is proportional to the loss's factor c, such as those of {@link CurvatureMatrix}
     * @param rule {@link MergeRule#SUM} for the diagonal {@code *p}, {@link MergeRule#PER_SAMPLE} for those of single
     *     samples {@code [N, *p]}, which are as many products of each sample
     */
    default void diagonal(String key, CurvatureMatrix matrix, MergeRule rule) {
        throw new BackpackException(
                CommonProblems.INVALID_DECLARATION,
                "Diagonals of curvature matrices cannot be declared here: '%s' was.".formatted(key));
    }
}
