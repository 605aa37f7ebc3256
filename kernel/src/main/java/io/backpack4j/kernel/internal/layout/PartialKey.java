// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.layout;

import io.backpack4j.spi.extension.Signal;
import io.backpack4j.spi.module.MergeRule;
import io.backpack4j.spi.tensor.Shape;
import java.util.OptionalDouble;

/**
 * A partial result that an extension fills itself.
 *
 * @param signal the signal that it is filled from
 * @param rule how parts of it merge
 * @param shape its shape without the axes of columns and samples
 * @param degree its degree in the loss's factor, if the extension said it
 */
public record PartialKey(Signal signal, MergeRule rule, Shape shape, OptionalDouble degree) {

    /** Shape with the axes of columns and samples that the rule asks for. */
    public Shape shape(long columns, long samples) {
        return switch (rule) {
            case PER_SAMPLE -> shape.prepend(samples);
            case PER_COLUMN_AND_SAMPLE -> shape.prepend(columns, samples);
            case SUM, MOMENTS, MAX, NOT_MERGEABLE -> shape;
        };
    }
}
