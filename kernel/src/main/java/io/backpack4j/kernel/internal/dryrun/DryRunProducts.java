// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.dryrun;

import io.backpack4j.spi.backend.Products;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;

/** Checks matrix products. */
record DryRunProducts(DryRunBackend backend) implements Products {

    @Override
    public void multiply(
            Tensor a, boolean transposeA, Tensor b, boolean transposeB, double alpha, double beta, Tensor destination) {
        TensorChecks.floating("multiply", a, b, destination);
        int rank = destination.shape().rank();
        TensorChecks.require(
                rank >= 2 && a.shape().rank() == rank && b.shape().rank() == rank,
                "multiply",
                "needs operands of one rank of at least 2, not %s, %s and %s"
                        .formatted(a.shape(), b.shape(), destination.shape()));
        long inner = a.shape().size(transposeA ? -2 : -1);
        TensorChecks.require(
                inner == b.shape().size(transposeB ? -1 : -2),
                "multiply",
                "cannot join shapes %s%s and %s%s"
                        .formatted(a.shape(), transposed(transposeA), b.shape(), transposed(transposeB)));
        Shape expected = destination.shape();
        for (int axis = 0; axis < rank - 2; axis++) {
            long left = a.shape().size(axis);
            long right = b.shape().size(axis);
            TensorChecks.require(
                    left == right || left == 1 || right == 1,
                    "multiply",
                    "cannot align batches of %s and %s".formatted(a.shape(), b.shape()));
            expected = expected.with(axis, left == 1 ? right : left);
        }
        expected = expected.with(-2, a.shape().size(transposeA ? -1 : -2))
                .with(-1, b.shape().size(transposeB ? -2 : -1));
        TensorChecks.sameShape("multiply", expected, destination);
        long matrix = destination.shape().size(-1) * destination.shape().size(-2);
        long parts = matrix == 0 ? 1 : destination.shape().elements() / matrix;
        backend.meter().add(WorkKind.PRODUCT, 2.0 * destination.shape().elements() * inner, parts, a, b, destination);
    }

    private static String transposed(boolean yes) {
        return yes ? "ᵀ" : "";
    }
}
