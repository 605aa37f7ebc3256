package io.backpack4j.kernel.internal.pass;

import io.backpack4j.spi.extension.MergeRule;
import io.backpack4j.spi.extension.Signal;
import io.backpack4j.spi.tensor.Shape;

/**
 * A partial result that an extension fills itself.
 *
 * @param signal the signal that it is filled from
 * @param rule how parts of it merge
 * @param shape its shape without the axes of columns and samples
 */
public record PartialKey(Signal signal, MergeRule rule, Shape shape) {

    /** Its whole shape. */
    Shape shape(long columns, long samples) {
        return switch (rule) {
            case PER_SAMPLE -> shape.prepend(samples);
            case PER_COLUMN_AND_SAMPLE -> shape.prepend(columns, samples);
            case SUM, MOMENTS, MAX, NOT_MERGEABLE -> shape;
        };
    }
}
