// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.extension;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.module.MergeRule;
import io.backpack4j.spi.module.ParameterDerivatives;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/** One parameter during the walk, for one signal, one block of its columns and one chunk of the batch. */
public interface SiteVisit {

    /** The parameter's full name. */
    String parameter();

    /** The signal. */
    Signal signal();

    /** Which columns of the signal and which samples of the batch are here. */
    Block block();

    /** The per-sample gradients of this block. */
    ParameterDerivatives derivatives();

    /**
     * A partial result of this extension, of the part that belongs to this visit: all of it for {@link MergeRule#SUM},
     * {@link MergeRule#MAX} and {@link MergeRule#NOT_MERGEABLE}, to be added to; the chunk's samples for {@link
     * MergeRule#PER_SAMPLE}, to be added to; the block's columns and the chunk's samples for {@link
     * MergeRule#PER_COLUMN_AND_SAMPLE}, to be written.
     */
    Tensor partial(String key);

    /**
     * An operand that the run brought, of this parameter or of the network: see {@link SiteDeclaration#operand}. Read
     * it.
     */
    default Tensor operand(String name) {
        throw new BackpackException(CommonProblems.UNKNOWN_OPERAND, "The run brought no operand '%s'.".formatted(name));
    }

    /**
     * The factor c of the loss's reduction that is in the gradients: that of the whole batch, and 1 in a session, whose
     * gradients have none. Divide columns by c to the power of the signal's degree to have them unscaled.
     */
    default double normaliser() {
        throw new BackpackException(
                CommonProblems.UNSUPPORTED, "This visit does not know the factor of the loss's reduction.");
    }

    /** The arithmetic. */
    Backend backend();

    /** A scope that closes after the visit. */
    TensorScope scope();
}
