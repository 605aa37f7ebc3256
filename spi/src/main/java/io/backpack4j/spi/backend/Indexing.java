// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend;

import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/** Operations that move elements. Indices are {@code INT64} tensors, checked before they get here. */
public interface Indexing {

    /** The backend of this group, for the defaults. */
    Backend backend();

    /**
     * destination[i…] = source[…] with axes reordered: axis j of the destination is axis {@code axes[j]} of the source.
     */
    void permute(Tensor source, int[] axes, Tensor destination);

    /** destination = the elements of {@code source} in {@code region}; the destination has the region's shape. */
    void extract(Tensor source, Region region, Tensor destination);

    /**
     * Writes {@code source} over the elements of {@code destination} in {@code region}; the source has the region's
     * shape.
     */
    void insert(Tensor source, Region region, Tensor destination);

    /** Writes {@code source} into {@code region} of the destination, and {@code value} everywhere else. */
    default void pad(Tensor source, Region region, double value, Tensor destination) {
        backend().elementwise().fill(destination, value);
        insert(source, region, destination);
    }

    /**
     * destination[i] = source[indices[i]].
     *
     * @param source {@code [K, *]}
     * @param indices {@code [M]}
     * @param destination {@code [M, *]}
     */
    void gatherRows(Tensor source, Tensor indices, Tensor destination);

    /**
     * destination[indices[i]] += source[i], in the order of i, repeated indices included; shapes as in {@link
     * #gatherRows}.
     */
    void addRows(Tensor source, Tensor indices, Tensor destination);

    /**
     * destination[a, b] = x[a, indices[a, b], b], where a stands for the axes before {@code axis} and b for those
     * behind.
     *
     * @param indices with the shape of {@code x} less {@code axis}
     * @param destination with the shape of {@code indices}
     */
    void pick(Tensor x, int axis, Tensor indices, Tensor destination);

    /** destination[a, indices[a, b], b] += value; shapes as in {@link #pick}. */
    void addAt(Tensor indices, int axis, double value, Tensor destination);

    /**
     * destination[…, i] = matrices[…, i, i].
     *
     * @param matrices {@code [*batch, n, n]}
     * @param destination {@code [*batch, n]}
     */
    default void extractDiagonal(Tensor matrices, Tensor destination) {
        long n = matrices.shape().size(-1);
        if (destination.shape().elements() > 0) {
            try (TensorScope scope = backend().openScope()) {
                long batch = destination.shape().elements() / n;
                Tensor rows = scope.view(matrices, Shape.of(batch, n * n));
                extract(rows, Region.columns(batch, 0, n + 1, n), scope.view(destination, Shape.of(batch, n)));
            }
        }
    }

    /**
     * matrices[…, i, i] = diagonal[…, i]; other elements stay.
     *
     * @param diagonal {@code [*batch, n]}
     * @param matrices {@code [*batch, n, n]}
     */
    default void insertDiagonal(Tensor diagonal, Tensor matrices) {
        long n = matrices.shape().size(-1);
        if (diagonal.shape().elements() > 0) {
            try (TensorScope scope = backend().openScope()) {
                long batch = diagonal.shape().elements() / n;
                Tensor rows = scope.view(matrices, Shape.of(batch, n * n));
                insert(scope.view(diagonal, Shape.of(batch, n)), Region.columns(batch, 0, n + 1, n), rows);
            }
        }
    }
}
