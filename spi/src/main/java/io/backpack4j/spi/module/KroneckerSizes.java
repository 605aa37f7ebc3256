// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.tensor.Shape;

/**
 * The sizes of the Kronecker factors of a weight, which makes blocks of G groups: the parameter's elements are in the
 * order {@code [G, L, O, I/L]}.
 *
 * @param groups G
 * @param outputs O, the output channels of one group
 * @param inputs I, the inputs of one group: its input channels times the elements of its kernel
 * @param leading L, how many of the axes' inputs stand before the outputs: 1, or the input channels of one group for a
 *     transposed convolution
 * @param convention what is meant unless the user says otherwise
 * @param diagonalInputs whether the input side is diagonal, as that of a table is, whose inputs are unit vectors; of
 *     one group only
 */
public record KroneckerSizes(
        long groups, long outputs, long inputs, long leading, KroneckerConvention convention, boolean diagonalInputs) {

    public KroneckerSizes {
        if (diagonalInputs && groups != 1) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "Kronecker factors with a diagonal input side have one group, not %d.".formatted(groups));
        }
        if (groups < 1 || leading < 1 || inputs % leading != 0) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "Kronecker factors of %d groups, %d outputs and %d inputs, of which %d stand first, do not fit a weight."
                            .formatted(groups, outputs, inputs, leading));
        }
    }

    /** With a dense input side. */
    public KroneckerSizes(long groups, long outputs, long inputs, long leading, KroneckerConvention convention) {
        this(groups, outputs, inputs, leading, convention, false);
    }

    /** A table {@code [I, O]} whose rows are looked up: what comes in are unit vectors. */
    public static KroneckerSizes table(long outputs, long inputs) {
        return new KroneckerSizes(1, outputs, inputs, inputs, KroneckerConvention.EXPAND, true);
    }

    /** A matrix {@code [O, I]}, whose positions count as samples. */
    public static KroneckerSizes matrix(long outputs, long inputs) {
        return new KroneckerSizes(1, outputs, inputs, 1, KroneckerConvention.EXPAND);
    }

    /** The sizes of a parameter that is {@code count} of these, one below the other: groups stand side by side. */
    public KroneckerSizes stacked(long count) {
        return new KroneckerSizes(groups * count, outputs, inputs, leading, convention, diagonalInputs);
    }

    /** The sizes of one of {@code count} parts that are {@linkplain #stacked stacked}. */
    KroneckerSizes unstacked(long count) {
        return new KroneckerSizes(groups / count, outputs, inputs, leading, convention, diagonalInputs);
    }

    /** The shape of the output side: {@code [O, O]}, or {@code [G, O, O]} with several groups. */
    public Shape outputFactor() {
        return factor(outputs);
    }

    /**
     * The shape of the input side: {@code [I, I]}, {@code [G, I, I]} with several groups, or {@code [I]} if it is
     * diagonal.
     */
    public Shape inputFactor() {
        return diagonalInputs ? Shape.of(inputs) : factor(inputs);
    }

    private Shape factor(long size) {
        return groups == 1 ? Shape.of(size, size) : Shape.of(groups, size, size);
    }
}
