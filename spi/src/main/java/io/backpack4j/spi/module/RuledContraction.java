// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

import io.backpack4j.spi.tensor.DType;

/** What a contraction says of itself by its rules. */
public sealed interface RuledContraction permits Contraction {

    /** Its rules. */
    ContractionRules rules();

    /**
     * How often a per-sample gradient is multiplied into the result: 2 for squares, 0 for what depends on no signal.
     */
    default int power() {
        return rules().power();
    }

    /** The axis of a result that has an entry per sample; -1 if it has none. */
    default int sampleAxis() {
        return switch (mergeRule()) {
            case PER_SAMPLE -> 0;
            case PER_COLUMN_AND_SAMPLE -> 1;
            default -> -1;
        };
    }

    /** How results of parts of a batch, and of blocks of columns, become those of the whole. */
    default MergeRule mergeRule() {
        return rules().mergeRule();
    }

    /** Whether blocks of the signal's columns may come one after the other. */
    default boolean splitsColumns() {
        return !rules().has(ContractionRules.Trait.ONE_BLOCK);
    }

    /** Whether the columns may have weights {@code [V, N]}, signed ones too. */
    default boolean acceptsWeights() {
        return rules().has(ContractionRules.Trait.WEIGHTS);
    }

    /**
     * Whether destinations are overwritten whatever {@link ContractionTask#accumulate} says, since they have one entry
     * per column and sample, or are merged by more than a sum.
     */
    default boolean overwrites() {
        return rules().has(ContractionRules.Trait.OVERWRITES);
    }

    /**
     * Whether the result depends on the columns only through Σ_v g_vn g_vnᵀ, so that any root of a Hessian gives the
     * same, also one with fewer columns.
     */
    default boolean dependsOnOuterProductsOnly() {
        return rules().has(ContractionRules.Trait.OUTER_PRODUCTS_ONLY);
    }

    /** Whether only the outputs' side of a factored parameter, or only its inputs' side, has a part in the result. */
    default boolean isOfOneSide() {
        return rules().has(ContractionRules.Trait.ONE_SIDE);
    }

    /** The type of the results of gradients of a type. */
    default DType resultType(DType gradients) {
        return rules().has(ContractionRules.Trait.INTEGERS) ? DType.INT64 : gradients;
    }

    /** Whether the operand has an entry per sample of the batch, so that it belongs to one batch alone. */
    default boolean hasOperandOfSamples() {
        return rules().has(ContractionRules.Trait.OPERAND_OF_SAMPLES);
    }

    /**
     * Whether the result is of gradients without the factor of the loss's reduction, whatever that is: {@link
     * ContractionTask#factor}.
     */
    default boolean looksAtUnscaled() {
        return rules().has(ContractionRules.Trait.UNSCALED);
    }

    /** Whether the parameter's values have a part in the result: {@link ContractionTask#values}. */
    default boolean takesValues() {
        return rules().has(ContractionRules.Trait.VALUES);
    }
}
