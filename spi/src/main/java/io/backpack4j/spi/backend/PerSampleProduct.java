// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend;

import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;

/**
 * A batch of matrix products that need not be materialised: P_bg = op(left_bg) · op(right_cg) with c = b mod C, a tile
 * {@code [M, K]} each. For a weight, left holds the cotangents of an output, right the inputs, and the inner axis runs
 * over the positions that share the weight; b runs over columns times samples, so that all columns of a sample share
 * its inputs.
 *
 * @param left {@code [B, G, M, S]}, or {@code [B, G, S, M]} if transposed
 * @param leftTransposed whether op transposes left
 * @param right {@code [C, G, S, K]}, or {@code [C, G, K, S]} if transposed; C divides B
 * @param rightTransposed whether op transposes right
 */
public record PerSampleProduct(Tensor left, boolean leftTransposed, Tensor right, boolean rightTransposed) {

    /** B, the number of products. */
    public long batch() {
        return left.shape().size(0);
    }

    /** C, the number of different right factors. */
    public long samples() {
        return right.shape().size(0);
    }

    /** G. */
    public long groups() {
        return left.shape().size(1);
    }

    /** S, the length of the inner axis. */
    public long positions() {
        return left.shape().size(leftTransposed ? 2 : 3);
    }

    /** M. */
    public long rows() {
        return left.shape().size(leftTransposed ? 3 : 2);
    }

    /** K. */
    public long columns() {
        return right.shape().size(rightTransposed ? 2 : 3);
    }

    /** The shape {@code [G, M, K]} of one product. */
    public Shape tile() {
        return Shape.of(groups(), rows(), columns());
    }
}
