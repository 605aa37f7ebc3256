// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.extension;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;

/** The partial results of one extension at all its parameters, after a stage. */
public interface NetworkPartial {

    /** All parameters of the extension, in the order of the network. At least one, unless it observes nodes. */
    List<SitePartial> sites();

    /** The nodes whose outputs the extension {@linkplain Extension#observe observes}, in the order of the network. */
    default List<NodePartial> nodes() {
        return List.of();
    }

    /** The number of samples. */
    long samples();

    /** The factor c of the loss's reduction, from the whole batch. */
    double normaliser();

    /**
     * What was accumulated over a group of parameters with {@link SiteDeclaration#accumulateInGroup}, of this stage or
     * an earlier one. Shared with other extensions that asked for the same: read it.
     */
    Tensor group(String name);

    /**
     * What is made of a {@linkplain #group group}, once per pass however many extensions ask for equal derivations of
     * equal groups. Read it.
     *
     * @throws BackpackException if the partial results belong to no pass of their own, as by default
     */
    default List<Tensor> derived(String group, GroupDerivation derivation) {
        throw new BackpackException(
                CommonProblems.UNSUPPORTED, "Nothing can be derived here of the group '%s'.".formatted(group));
    }

    /** A folded tensor, from this stage's fold or an earlier one. */
    Tensor folded(String name);

    /**
     * The factor that the reduction {@code mean} would have where the loss is a sum, else {@link #normaliser}: for
     * results that are those of the mean whatever the reduction.
     */
    default double meanNormaliser() {
        return normaliser();
    }

    /**
     * Whether numbers mean nothing, since this is a trial of a plan, for shapes and memory. Where sizes of results
     * depend on numbers, choose the largest possible, and complain of no number. See {@link
     * Extension#hasVariableSizes}.
     */
    default boolean isTrial() {
        return false;
    }

    /** The element type. */
    DType dtype();

    /** An operand of the network that the run brought: see {@link Extension#networkOperands}. Read it. */
    default Tensor operand(String name) {
        throw new BackpackException(CommonProblems.UNKNOWN_OPERAND, "The run brought no operand '%s'.".formatted(name));
    }

    /**
     * Products with a curvature matrix of the whole network, one of {@link Extension#networkMatrices}. They are of the
     * batch as the pass evaluated it: a batch that is taken as a whole is not evaluated again. They end with the
     * results.
     */
    default NetworkProduct product(CurvatureMatrix matrix) {
        throw new BackpackException(
                CommonProblems.UNSUPPORTED, "There are no products with the %s here.".formatted(matrix.name()));
    }

    /** The arithmetic. */
    Backend backend();

    /** Where folded tensors are allocated. */
    TensorScope scope();
}
