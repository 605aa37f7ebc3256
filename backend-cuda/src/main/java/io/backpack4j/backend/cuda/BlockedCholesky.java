// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.tensor.Shape;

/**
 * Cholesky factors on the device, some columns at a time: a product takes what earlier columns account for, the host
 * decomposes the small block on the diagonal, in double precision, and the device solves for what lies below (Golub and
 * Van Loan, Matrix Computations, 4.2). The host sees no more than one block.
 *
 * @param backend whose tensors they are
 */
record BlockedCholesky(CudaBackend backend) {

    /** The most columns at a time. */
    private static final int WIDTH = 256;

    /**
     * Replaces matrices, of which the lower triangles count, by their factors.
     *
     * @param matrices {@code [B, n, n]}
     * @throws BackpackException {@code NotPositiveDefinite}
     */
    void decompose(CudaTensor matrices) {
        long n = matrices.size(-1);
        for (long matrix = 0; matrix < matrices.size(0); matrix++) {
            for (long first = 0; first < n; first += WIDTH) {
                int width = (int) Math.min(WIDTH, n - first);
                if (first > 0) {
                    backend.products().subtractColumns(matrices, matrix, first, width);
                }
                columns(matrices, matrix, first, width);
            }
        }
    }

    private void columns(CudaTensor matrices, long matrix, long first, int width) {
        long n = matrices.size(-1);
        long next = first + width;
        Region rows = Region.all(matrices.shape()).with(0, matrix, 1);
        try (CudaScope scope = backend.openScope()) {
            Region diagonal = rows.with(1, first, width).with(2, first, width);
            CudaTensor block = scope.allocate(Shape.of(1, width, width), matrices.dtype());
            backend.indexing().extract(matrices, diagonal, block);
            double[] entries = block.toDoubleArray();
            int failed = decompose(entries, width);
            if (failed >= 0) {
                throw new BackpackException(
                        CommonProblems.NOT_POSITIVE_DEFINITE,
                        "Matrix %d of %d rows is not positive definite: its leading block of %d rows is not. Add damping."
                                .formatted(matrix, n, first + failed + 1));
            }
            block.write(0, entries, 0, entries.length);
            backend.indexing().insert(block, diagonal, matrices);
            if (next < n) {
                Region below = rows.with(1, next, n - next).with(2, first, width);
                CudaTensor panel = scope.allocate(below.shape(), matrices.dtype());
                backend.indexing().extract(matrices, below, panel);
                backend.products().solveTriangular(block, panel);
                backend.indexing().insert(panel, below, matrices);
                Region right = rows.with(1, first, width).with(2, next, n - next);
                CudaTensor zeros = scope.allocate(right.shape(), matrices.dtype());
                backend.elementwise().fill(zeros, 0);
                backend.indexing().insert(zeros, right, matrices);
            }
        }
    }

    /**
     * Replaces a matrix by its factor, zeros above its diagonal included. Returns the row whose pivot is not positive,
     * or −1.
     */
    private static int decompose(double[] a, int n) {
        for (int row = 0; row < n; row++) {
            for (int column = 0; column <= row; column++) {
                double sum = a[row * n + column];
                for (int k = 0; k < column; k++) {
                    sum -= a[row * n + k] * a[column * n + k];
                }
                if (column < row) {
                    a[row * n + column] = sum / a[column * n + column];
                } else if (sum > 0) {
                    a[row * n + row] = Math.sqrt(sum);
                } else {
                    return row;
                }
            }
            for (int column = row + 1; column < n; column++) {
                a[row * n + column] = 0;
            }
        }
        return -1;
    }
}
