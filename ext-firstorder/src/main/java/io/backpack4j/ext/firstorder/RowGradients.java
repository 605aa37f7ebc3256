// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.firstorder;

import io.backpack4j.spi.tensor.Tensor;
import java.util.Arrays;

/**
 * Gradients of N samples by those rows of a parameter {@code [num, *row]} that can have any: of sample n and row {@code
 * ids[n, k]} it is {@code rows[n, k]}, and of all rows that {@code ids} does not name it is zero.
 *
 * @param ids INT64 {@code [N, K]}: rows in ascending order, each once, and −1 behind the last of them
 * @param rows {@code [N, K, *row]}: zero where {@code ids} has −1; scaled as {@link BatchGrad}'s
 */
public record RowGradients(Tensor ids, Tensor rows) {

    /** The rows of a sample, without the −1 behind them. */
    public long[] idsOf(int sample) {
        int width = Math.toIntExact(ids.shape().size(1));
        long[] own = new long[width];
        ids.read((long) sample * width, own, 0, width);
        return Arrays.stream(own).takeWhile(id -> id >= 0).toArray();
    }
}
