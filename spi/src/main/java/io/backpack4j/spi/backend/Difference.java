// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend;

import io.backpack4j.spi.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A difference of two tensors that {@link Reductions#measure} measures. All tensors have one floating type and one
 * shape.
 *
 * @param minuend read
 * @param subtrahend read; null for zeros
 * @param destination where the difference goes, if anybody needs it: may be the subtrahend
 * @param along another tensor for an inner product with the difference, if anybody needs that
 */
public record Difference(
        Tensor minuend,
        @Nullable Tensor subtrahend,
        @Nullable Tensor destination,
        @Nullable Tensor along) {

    /** A tensor itself: its difference from zeros. */
    public static Difference ofZero(Tensor tensor) {
        return new Difference(tensor, null, null, null);
    }
}
