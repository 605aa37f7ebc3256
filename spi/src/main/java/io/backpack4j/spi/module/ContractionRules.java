// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * The rules of every contraction, one line each: how often a gradient is multiplied into the result, how parts merge,
 * and what is special.
 */
public enum ContractionRules {
    PER_SAMPLE(1, MergeRule.PER_COLUMN_AND_SAMPLE, Trait.OVERWRITES),
    LOOKED_UP_IDS(0, MergeRule.PER_SAMPLE, Trait.INTEGERS, Trait.OVERWRITES),
    LOOKED_UP_ROWS(1, MergeRule.PER_COLUMN_AND_SAMPLE, Trait.OVERWRITES),
    SUM(1, MergeRule.SUM),
    MOMENTS(2, MergeRule.MOMENTS, Trait.OVERWRITES),
    SUM_OF_SQUARES(2, MergeRule.SUM, Trait.WEIGHTS, Trait.OUTER_PRODUCTS_ONLY),
    SUM_OF_SQUARES_OVER_POSITIONS(2, MergeRule.SUM, Trait.OUTER_PRODUCTS_ONLY),
    SUM_OF_SQUARES_PER_SAMPLE(2, MergeRule.PER_SAMPLE, Trait.WEIGHTS, Trait.OUTER_PRODUCTS_ONLY),
    SQUARED_NORMS(2, MergeRule.PER_COLUMN_AND_SAMPLE, Trait.OVERWRITES),
    EXTREMES(1, MergeRule.MAX, Trait.OVERWRITES),
    TRACE(2, MergeRule.SUM, Trait.WEIGHTS, Trait.OUTER_PRODUCTS_ONLY),
    TRACE_OVER_POSITIONS(2, MergeRule.SUM, Trait.OUTER_PRODUCTS_ONLY),
    DOT_WITH_SUM(2, MergeRule.PER_COLUMN_AND_SAMPLE, Trait.OVERWRITES),
    CENTRED_SQUARED_NORM(2, MergeRule.MOMENTS, Trait.OVERWRITES),
    INNER_PRODUCTS_PER_SAMPLE(2, MergeRule.PER_SAMPLE, Trait.ONE_BLOCK, Trait.OVERWRITES),
    INNER_PRODUCTS(2, MergeRule.NOT_MERGEABLE, Trait.ONE_BLOCK, Trait.OVERWRITES),
    MAPPED_INNER_PRODUCTS(2, MergeRule.PER_SAMPLE, Trait.ONE_BLOCK, Trait.OVERWRITES),
    DOT(1, MergeRule.PER_COLUMN_AND_SAMPLE, Trait.OVERWRITES),
    WEIGHTED_SUM(1, MergeRule.SUM, Trait.OPERAND_OF_SAMPLES),
    HISTOGRAM(0, MergeRule.SUM, Trait.UNSCALED, Trait.INTEGERS),
    JOINT_HISTOGRAM(0, MergeRule.SUM, Trait.UNSCALED, Trait.VALUES, Trait.INTEGERS),
    OUTER_PRODUCTS(2, MergeRule.SUM, Trait.OUTER_PRODUCTS_ONLY),
    INPUT_FACTOR(0, MergeRule.SUM, Trait.ONE_SIDE),
    OUTPUT_FACTOR(2, MergeRule.SUM, Trait.OUTER_PRODUCTS_ONLY, Trait.ONE_SIDE);

    private final int power;
    private final MergeRule mergeRule;
    private final Set<Trait> traits;

    ContractionRules(int power, MergeRule mergeRule, Trait... traits) {
        this.power = power;
        this.mergeRule = mergeRule;
        this.traits = EnumSet.noneOf(Trait.class);
        this.traits.addAll(List.of(traits));
    }

    /** What is special about some contractions. */
    enum Trait {
        /** Blocks of the signal's columns cannot come one after the other. */
        ONE_BLOCK,
        /** Columns may have weights. */
        WEIGHTS,
        /** Destinations are overwritten. */
        OVERWRITES,
        /** Columns matter through the sum of their outer products only. */
        OUTER_PRODUCTS_ONLY,
        /** One side of a factored parameter has a part in the result. */
        ONE_SIDE,
        /** The operand has an entry per sample. */
        OPERAND_OF_SAMPLES,
        /** Gradients are taken without the loss's factor. */
        UNSCALED,
        /** The parameter's values have a part in the result. */
        VALUES,
        /** Results are integers, whatever the gradients' type. */
        INTEGERS
    }

    /** How often a per-sample gradient is multiplied into the result. */
    int power() {
        return power;
    }

    /** How parts become the whole. */
    MergeRule mergeRule() {
        return mergeRule;
    }

    boolean has(Trait trait) {
        return traits.contains(trait);
    }
}
