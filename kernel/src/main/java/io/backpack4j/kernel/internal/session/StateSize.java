// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.session;

import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.PerSample;
import io.backpack4j.kernel.SessionOptions;
import io.backpack4j.kernel.internal.layout.PassLayout;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.List;

/**
 * The size of a session's state.
 *
 * @param layout what is merged
 * @param slots of the layout
 * @param operandElements how many elements the operands of all runs have
 * @param options the session's
 */
record StateSize(PassLayout layout, List<Slot> slots, long operandElements, SessionOptions options) {

    /** Tensors of a parameter's shape that moments are: sums, squares, their rounding errors, and what these need. */
    private static final int OF_MOMENTS = 6;

    /** A range's two ends. */
    static final int RANGE = 2 * Long.BYTES;

    /** Number of bytes, with one range of ids. */
    long bytes(long samples, Accumulation present) {
        DType dtype = layout.dtype();
        long bytes = ofIds(samples) + (LossFactors.LEVELS + 1L) * Double.BYTES + operandElements * dtype.bytes();
        if (options.perSample() == PerSample.KEEP) {
            long outputs = options.outputs() ? layout.graph().outputShape().elements() : 0;
            bytes += samples * (1 + outputs) * dtype.bytes();
        } else {
            bytes += 2 * Double.BYTES;
        }
        for (Slot slot : slots) {
            bytes += bytes(slot, samples, present);
        }
        return bytes;
    }

    private long ofIds(long samples) {
        return switch (options.ids()) {
            case TRACKED -> samples * Long.BYTES;
            case RANGES -> RANGE;
            case NONE -> Double.BYTES;
        };
    }

    private long bytes(Slot slot, long samples, Accumulation present) {
        DType type = slot.type(layout.dtype());
        long one = present.merged(slot)
                        .map(merged -> withSamples(slot, merged.shape(), samples))
                        .orElseGet(() -> declared(slot, samples))
                        .elements()
                * type.bytes();
        return switch (slot.rule()) {
            case SUM -> type == DType.INT64 ? one : 2 * one;
            case MOMENTS -> OF_MOMENTS * one + Double.BYTES;
            case MAX, PER_SAMPLE, PER_COLUMN_AND_SAMPLE -> one;
            case NOT_MERGEABLE -> throw new IllegalStateException(slot.name());
        };
    }

    private static Shape withSamples(Slot slot, Shape shape, long samples) {
        return slot.rule().isPerSample() ? shape.with(slot.sampleAxis(), samples) : shape;
    }

    /** Before the first batch nobody knows how many columns a root has. */
    private static Shape declared(Slot slot, long samples) {
        Shape shape = slot.shape(1, samples);
        if (!slot.hasOneColumn() && !shape.equals(slot.shape(2, samples))) {
            throw new BackpackException(
                    KernelProblems.EMPTY_SESSION,
                    "The size of '%s' depends on the number of columns of its signal, which is known from the first batch on. Add one first."
                            .formatted(slot.name()));
        }
        return shape;
    }
}
