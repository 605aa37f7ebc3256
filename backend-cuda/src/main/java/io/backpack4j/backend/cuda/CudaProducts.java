// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Products;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;

/**
 * Matrix products by cuBLAS. A row-major matrix is its transpose, column-major: so C = A·B is asked for as Cᵀ = Bᵀ·Aᵀ,
 * and nothing is transposed in memory.
 */
final class CudaProducts implements Products {

    /** Most memory for rearranged vectors of Gram matrices, unless one sample takes more. */
    private static final long RUN_BYTES = CudaContractions.RUN_BYTES;

    private final CudaBackend backend;

    CudaProducts(CudaBackend backend) {
        this.backend = backend;
    }

    @Override
    public Backend backend() {
        return backend;
    }

    /** A row-major factor {@code [*, rows, columns]}. */
    private record Operand(CudaTensor tensor, boolean transposed) {

        Shape batch() {
            return tensor.shape().slice(0, tensor.shape().rank() - 2);
        }

        /** The axis that the product sums over, as the left factor's. */
        long inner() {
            return tensor.size(transposed ? -2 : -1);
        }

        long matrix() {
            return tensor.size(-2) * tensor.size(-1);
        }
    }

    @Override
    public void multiply(
            Tensor a, boolean transposeA, Tensor b, boolean transposeB, double alpha, double beta, Tensor destination) {
        Operand left = new Operand(backend.own(a), transposeA);
        Operand right = new Operand(backend.own(b), transposeB);
        CudaTensor out = backend.own(destination);
        if (out.elements == 0) {
            return;
        }
        if (left.inner() == 0) {
            scale(out, beta);
            return;
        }
        Shape batch = out.shape().slice(0, out.shape().rank() - 2);
        StridedLoop loop = StridedLoop.of(
                batch.toArray(),
                StridedLoop.stretched(left.batch(), batch),
                StridedLoop.stretched(right.batch(), batch));
        long[] first = loop.first();
        long[] second = loop.second();
        long[] sizes = loop.sizes();
        if (sizes.length == 1 && second[0] == 0 && first[0] == 1 && !transposeA) {
            // One right factor: the left ones lie below each other, and are one.
            Gemm all = new Gemm(sizes[0] * out.size(-2), out.size(-1), left.inner(), 1, 0, 0, 0);
            enqueue(left, 0, right, 0, alpha, beta, out, 0, all);
            return;
        }
        long[] steps = StridedLoop.strides(Shape.of(sizes));
        int batched = longest(sizes);
        Gemm gemm = new Gemm(
                out.size(-2),
                out.size(-1),
                left.inner(),
                sizes[batched],
                first[batched],
                second[batched],
                steps[batched]);
        long others = batch.elements() / sizes[batched];
        for (long position = 0; position < others; position++) {
            long rest = position;
            long atLeft = 0;
            long atRight = 0;
            long atOut = 0;
            for (int axis = 0; axis < sizes.length; axis++) {
                if (axis != batched) {
                    long index = rest % sizes[axis];
                    rest /= sizes[axis];
                    atLeft += index * first[axis];
                    atRight += index * second[axis];
                    atOut += index * steps[axis];
                }
            }
            enqueue(left, atLeft, right, atRight, alpha, beta, out, atOut, gemm);
        }
    }

    private static int longest(long[] sizes) {
        int longest = 0;
        for (int axis = 1; axis < sizes.length; axis++) {
            longest = sizes[axis] > sizes[longest] ? axis : longest;
        }
        return longest;
    }

    private void scale(CudaTensor out, double beta) {
        if (beta == 0) {
            backend.elementwise().fill(out, 0);
        } else {
            backend.elementwise().affine(out, beta, 0, out);
        }
    }

    /**
     * Sizes of row-major products {@code [batch, m, k] · [batch, k, n]}, and the steps from one to the next, counted in
     * matrices.
     */
    private record Gemm(long m, long n, long k, long batch, long stepLeft, long stepRight, long stepOut) {}

    /** Asks for products; positions count matrices. */
    private void enqueue(
            Operand left,
            long atLeft,
            Operand right,
            long atRight,
            double alpha,
            double beta,
            CudaTensor out,
            long atOut,
            Gemm sizes) {
        long width = out.dtype().bytes();
        long matrix = sizes.m() * sizes.n();
        var first = new MatrixProduct.Factor(
                new MatrixProduct.Matrices(
                        right.tensor().address() + atRight * right.matrix() * width,
                        right.tensor().size(-1),
                        sizes.stepRight() * right.matrix()),
                right.transposed());
        var second = new MatrixProduct.Factor(
                new MatrixProduct.Matrices(
                        left.tensor().address() + atLeft * left.matrix() * width,
                        left.tensor().size(-1),
                        sizes.stepLeft() * left.matrix()),
                left.transposed());
        var target =
                new MatrixProduct.Matrices(out.address() + atOut * matrix * width, sizes.n(), sizes.stepOut() * matrix);
        backend.operation("multiply")
                .reads(left.tensor(), right.tensor())
                .writes(out)
                .multiply(
                        out.dtype(),
                        new MatrixProduct(
                                sizes.n(), sizes.m(), sizes.k(), alpha, first, second, beta, target, sizes.batch()));
    }

    /**
     * destination = weights[:, first to first + count] · tiles + beta · destination: a product with some columns of a
     * row-major matrix.
     *
     * @param weights {@code [K, B]}
     * @param tiles {@code [count, P]}
     * @param destination {@code [K, P]}
     */
    void multiplyColumns(CudaTensor weights, long first, CudaTensor tiles, long count, CudaTensor destination) {
        long sums = weights.size(0);
        long elements = tiles.elements / count;
        if (destination.elements == 0) {
            return;
        }
        var right = new MatrixProduct.Factor(new MatrixProduct.Matrices(tiles.address(), elements, 0), false);
        var left =
                new MatrixProduct.Factor(new MatrixProduct.Matrices(weights.address(first), weights.size(1), 0), false);
        var target = new MatrixProduct.Matrices(destination.address(), elements, 0);
        backend.operation("weighted sum")
                .reads(weights, tiles)
                .writes(destination)
                .multiply(tiles.dtype(), new MatrixProduct(elements, sums, count, 1, right, left, 1, target, 1));
    }

    @Override
    public void addGram(Tensor x, boolean positionsFirst, boolean summed, double scale, Tensor destination) {
        CudaTensor in = backend.own(x);
        CudaTensor out = backend.own(destination);
        long samples = in.size(0);
        long groups = in.size(1);
        long positions = in.size(positionsFirst ? 2 : 3);
        long length = in.size(positionsFirst ? 3 : 2);
        if (in.elements == 0) {
            return;
        }
        try (CudaScope scope = backend.openScope()) {
            CudaTensor vectors = in;
            boolean first = positionsFirst;
            if (summed && positions > 1) {
                vectors = scope.allocate(Shape.of(samples, groups, 1, length), in.dtype());
                int axis = positionsFirst ? 2 : 3;
                CudaTensor sums = scope.view(vectors, Shape.of(samples, groups, length));
                backend.reductions().reduce(Reduction.SUM, in, axis, axis + 1, sums);
                first = true;
            }
            addProducts(vectors, first || positions == 1, scale, scope.view(out, Shape.of(groups, length, length)));
        }
    }

    /** Adds the products of all vectors of a group, brought below each other first. */
    private void addProducts(CudaTensor x, boolean positionsFirst, double scale, CudaTensor out) {
        long groups = x.size(1);
        long length = out.size(2);
        if (groups == 1 && positionsFirst) {
            try (CudaScope scope = backend.openScope()) {
                CudaTensor rows = scope.view(x, Shape.of(1, x.elements / length, length));
                multiply(rows, true, rows, false, scale, 1, out);
            }
            return;
        }
        long perSample = x.elements / x.size(0);
        long run = Math.max(1, RUN_BYTES / (perSample * x.dtype().bytes()));
        int[] axes = positionsFirst ? new int[] {1, 0, 2, 3} : new int[] {1, 0, 3, 2};
        for (long from = 0; from < x.size(0); from += run) {
            long to = Math.min(x.size(0), from + run);
            try (CudaScope scope = backend.openScope()) {
                long positions = perSample / groups / length;
                CudaTensor sorted = scope.allocate(Shape.of(groups, to - from, positions, length), x.dtype());
                CudaTensor some = scope.view(
                        scope.rows(x, from, to),
                        positionsFirst
                                ? Shape.of(to - from, groups, positions, length)
                                : Shape.of(to - from, groups, length, positions));
                backend.indexing().permute(some, axes, sorted);
                CudaTensor rows = scope.view(sorted, Shape.of(groups, (to - from) * positions, length));
                multiply(rows, true, rows, false, scale, 1, out);
            }
        }
    }

    /**
     * destination[i, j] −= Σ_{k < column} destination[i, k] · destination[j, k] in one matrix, for the rows i from
     * {@code column} on and the {@code width} columns j from there on: what a Cholesky factor's columns so far take
     * from the next ones.
     */
    void subtractColumns(CudaTensor matrices, long matrix, long column, long width) {
        long n = matrices.size(-1);
        long row = matrix * n * n + column * n;
        var right = new MatrixProduct.Factor(new MatrixProduct.Matrices(matrices.address(row), n, 0), true);
        var left = new MatrixProduct.Factor(new MatrixProduct.Matrices(matrices.address(row), n, 0), false);
        var target = new MatrixProduct.Matrices(matrices.address(row + column), n, 0);
        backend.operation("cholesky")
                .writes(matrices)
                .multiply(
                        matrices.dtype(), new MatrixProduct(width, n - column, column, -1, right, left, 1, target, 1));
    }

    /** Solves row by row and in place: rows = rows · L⁻ᵀ, L being lower triangular. */
    void solveTriangular(CudaTensor triangle, CudaTensor rows) {
        // Row-major L is Lᵀ column-major: upper triangular.
        backend.operation("cholesky")
                .reads(triangle)
                .writes(rows)
                .solve(
                        rows.dtype(),
                        new TriangularSystem(
                                triangle.size(-1), rows.size(-2), true, triangle.address(), rows.address()));
    }

    /** Solves with a Cholesky factor, row by row and in place: rows = rows · (L · Lᵀ)⁻¹. */
    void solve(CudaTensor factor, long matrix, CudaTensor rows) {
        long n = factor.size(-1);
        long count = rows.size(-2);
        long l = factor.address(matrix * n * n);
        long x = rows.address(matrix * count * n);
        DType dtype = rows.dtype();
        // Row-major L is Lᵀ column-major: upper triangular.
        for (boolean transposed : new boolean[] {true, false}) {
            backend.operation("choleskySolve")
                    .reads(factor)
                    .writes(rows)
                    .solve(dtype, new TriangularSystem(n, count, transposed, l, x));
        }
    }
}
