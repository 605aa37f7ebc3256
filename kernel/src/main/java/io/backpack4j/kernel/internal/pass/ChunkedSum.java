// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.pass;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import org.jspecify.annotations.Nullable;

/**
 * A sum over the chunks of a batch. The first chunk adds straight to the result; the others add to a tensor of their
 * own each, and their sums are compensated. A batch in one chunk costs nothing.
 */
final class ChunkedSum {

    private final Backend backend;
    private final TensorScope owner;
    private final Tensor result;
    private @Nullable Tensor part;
    private @Nullable CompensatedSum sum;
    private long chunk;

    /**
     * A sum.
     *
     * @param owner for the parts of further chunks
     * @param result holds the first chunk's part, and in the end the sum
     */
    ChunkedSum(Backend backend, TensorScope owner, Tensor result) {
        this.backend = backend;
        this.owner = owner;
        this.result = result;
    }

    /**
     * Destination of a step's contribution.
     *
     * @param clear whether it is added to what is there, so that a new part starts from zero; otherwise the chunk's
     *     first step overwrites it
     */
    Tensor of(Step step, boolean clear) {
        long from = step.block().fromSample();
        if (from == 0) {
            return result;
        }
        Tensor current = part;
        if (current == null) {
            current = owner.allocate(result.shape(), result.dtype());
            sum = new CompensatedSum(backend, owner, result);
            part = current;
        } else if (from != chunk && sum != null) {
            sum.add(current);
        }
        if (from != chunk && clear) {
            backend.elementwise().fill(current, 0);
        }
        chunk = from;
        return current;
    }

    /** Adds what is left. Nothing may follow. */
    void complete() {
        if (part != null && sum != null) {
            sum.add(part);
            part.close();
            sum.complete();
            part = null;
            sum = null;
        }
    }
}
