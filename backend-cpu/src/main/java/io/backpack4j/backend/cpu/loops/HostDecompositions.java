// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Decompositions;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/** LAPACK, one matrix at a time. */
final class HostDecompositions implements Decompositions {

    /** Two squares and a few rows of work still have a size of 31 bits; nothing else in LAPACK counts elements. */
    private static final int MOST_ROWS_WITH_WORK = 32_000;

    /** Blocks of so many rows and columns are mirrored within the cache. */
    private static final int MIRRORED = 64;

    private final NativeBackend backend;

    HostDecompositions(NativeBackend backend) {
        this.backend = backend;
    }

    @Override
    public Backend backend() {
        return backend;
    }

    @Override
    public void symmetricEigen(Tensor a, Tensor values, Tensor vectors) {
        CpuTensor matrices = backend.own(a);
        CpuTensor targets = backend.own(values);
        int n = order(matrices, MOST_ROWS_WITH_WORK);
        requireFinite(matrices);
        if (matrices.elements == 0) {
            return;
        }
        long size = (long) n * n * matrices.dtype().bytes();
        long row = (long) n * matrices.dtype().bytes();
        try (TensorScope scope = backend.openScope()) {
            CpuTensor rows = copied(scope, a);
            CpuTensor work = backend.own(scope.allocate(Shape.of(Lapack.work(n)), a.dtype()));
            CpuTensor integers = backend.own(scope.allocate(Shape.of(Lapack.integerWork(n) / 2 + 1), DType.INT64));
            for (long i = 0; i < matrices.elements / n / n; i++) {
                int info = Lapack.eigen(
                        rows.isSingle(),
                        n,
                        rows.address() + i * size,
                        targets.address() + i * row,
                        work.address(),
                        integers.address());
                requireFound(n, info);
            }
            Shape batch = Shape.of(matrices.elements / n / n, n, n);
            backend.indexing().permute(scope.view(rows, batch), new int[] {0, 2, 1}, scope.view(vectors, batch));
        }
    }

    @Override
    public void symmetricEigenvalues(Tensor a, Tensor values) {
        CpuTensor matrices = backend.own(a);
        CpuTensor targets = backend.own(values);
        int n = order(matrices, MOST_ROWS_WITH_WORK);
        requireFinite(matrices);
        if (matrices.elements == 0) {
            return;
        }
        int bytes = matrices.dtype().bytes();
        try (TensorScope scope = backend.openScope()) {
            CpuTensor rows = copied(scope, a);
            CpuTensor work = backend.own(scope.allocate(Shape.of(Lapack.smallWork(n)), a.dtype()));
            CpuTensor integers = backend.own(scope.allocate(Shape.of(1), DType.INT64));
            for (long i = 0; i < matrices.elements / n / n; i++) {
                int info = Lapack.eigenvalues(
                        rows.isSingle(),
                        n,
                        rows.address() + i * n * n * bytes,
                        targets.address() + i * n * bytes,
                        work.address(),
                        integers.address());
                requireFound(n, info);
            }
        }
    }

    @Override
    public void largestEigen(Tensor a, Tensor values, Tensor vectors) {
        CpuTensor matrices = backend.own(a);
        CpuTensor targets = backend.own(values);
        int n = order(matrices, MOST_ROWS_WITH_WORK);
        int count = Math.toIntExact(values.shape().size(-1));
        requireFinite(matrices);
        if (matrices.elements == 0) {
            return;
        }
        int bytes = matrices.dtype().bytes();
        long batch = matrices.elements / n / n;
        try (TensorScope scope = backend.openScope()) {
            CpuTensor rows = copied(scope, a);
            CpuTensor all = backend.own(scope.allocate(Shape.of(n), a.dtype()));
            CpuTensor found = backend.own(scope.allocate(Shape.of(batch, count, n), a.dtype()));
            CpuTensor work = backend.own(scope.allocate(Shape.of(Lapack.smallWork(n)), a.dtype()));
            CpuTensor integers =
                    backend.own(scope.allocate(Shape.of(Lapack.largestIntegers(n, count) / 2 + 1), DType.INT64));
            for (long i = 0; i < batch; i++) {
                int info = Lapack.largest(
                        rows.isSingle(),
                        n,
                        count,
                        rows.address() + i * n * n * bytes,
                        all.address(),
                        found.address() + i * count * n * bytes,
                        work.address(),
                        integers.address());
                requireFound(n, info);
                double[] largest = new double[count];
                all.read(0, largest, 0, count);
                targets.write(i * count, largest, 0, count);
            }
            backend.indexing().permute(found, new int[] {0, 2, 1}, scope.view(vectors, Shape.of(batch, n, count)));
        }
    }

    private CpuTensor copied(TensorScope scope, Tensor a) {
        CpuTensor rows = backend.own(scope.allocate(a.shape(), a.dtype()));
        backend.elementwise().copy(a, rows);
        return backend.own(rows);
    }

    private static void requireFound(int n, int info) {
        if (info != 0) {
            throw new BackpackException(
                    LoopProblems.NO_CONVERGENCE,
                    "The eigenvalues of a matrix of %d rows were not found (LAPACK says %d).".formatted(n, info));
        }
    }

    @Override
    public void cholesky(Tensor a, Tensor destination) {
        CpuTensor target = backend.own(destination);
        CpuTensor matrices = backend.own(a);
        int n = order(matrices, Integer.MAX_VALUE);
        requireFinite(matrices);
        if (target.elements == 0) {
            return;
        }
        copy(matrices, target);
        double[] zeros = new double[n];
        for (long i = 0; i < target.elements / n / n; i++) {
            long first = i * n * n;
            int info = Lapack.cholesky(
                    target.isSingle(),
                    n,
                    target.address() + first * target.dtype().bytes());
            if (info != 0) {
                throw new BackpackException(
                        CommonProblems.NOT_POSITIVE_DEFINITE,
                        "Matrix %d of %d rows is not positive definite: its leading block of %d rows is not. Add damping."
                                .formatted(i, n, info));
            }
            for (int r = 0; r + 1 < n; r++) {
                target.write(first + (long) r * n + r + 1, zeros, 0, n - r - 1);
            }
        }
    }

    @Override
    public void choleskySolve(Tensor factor, Tensor right, Tensor destination) {
        CpuTensor factors = backend.own(factor);
        CpuTensor target = backend.own(destination);
        int n = order(factors, Integer.MAX_VALUE);
        int count = Math.toIntExact(right.shape().size(-2));
        backend.elementwise().copy(right, destination);
        if (target.elements == 0) {
            return;
        }
        int bytes = target.dtype().bytes();
        for (long i = 0; i < factors.elements / n / n; i++) {
            int info = Lapack.solve(
                    target.isSingle(),
                    n,
                    count,
                    factors.address() + i * n * n * bytes,
                    target.address() + i * count * n * bytes);
            if (info != 0) {
                throw new IllegalStateException("LAPACK refuses its argument " + -info);
            }
        }
    }

    private void requireFinite(CpuTensor matrices) {
        if (!backend.reductions().allFinite(matrices)) {
            throw new BackpackException(
                    CommonProblems.NOT_FINITE,
                    "A matrix of shape %s has numbers that are not finite: it cannot be decomposed."
                            .formatted(matrices.shape()));
        }
    }

    @Override
    public void choleskyInverse(Tensor factor, Tensor destination) {
        CpuTensor factors = backend.own(factor);
        CpuTensor target = backend.own(destination);
        int n = order(factors, Integer.MAX_VALUE);
        if (target.elements == 0) {
            return;
        }
        copy(factors, target);
        for (long i = 0; i < target.elements / n / n; i++) {
            long first = i * n * n;
            int info = Lapack.inverse(
                    target.isSingle(),
                    n,
                    target.address() + first * target.dtype().bytes());
            if (info != 0) {
                throw new BackpackException(
                        CommonProblems.NOT_POSITIVE_DEFINITE,
                        "Matrix %d of %d rows has no inverse: row %d of its Cholesky factor has a zero on the diagonal. Add damping."
                                .formatted(i, n, info - 1));
            }
            mirror(target, first, n);
        }
    }

    /** Copies the lower triangle to the upper one, block by block. */
    private static void mirror(CpuTensor matrix, long first, int n) {
        boolean wide = matrix.dtype().bytes() == Long.BYTES;
        for (int rows = 0; rows < n; rows += MIRRORED) {
            for (int columns = 0; columns <= rows; columns += MIRRORED) {
                for (int r = rows; r < Math.min(n, rows + MIRRORED); r++) {
                    for (int c = columns; c < Math.min(r, columns + MIRRORED); c++) {
                        long from = matrix.at(first + (long) r * n + c);
                        long to = matrix.at(first + (long) c * n + r);
                        if (wide) {
                            matrix.block.putLong(to, matrix.block.getLong(from));
                        } else {
                            matrix.block.putInt(to, matrix.block.getInt(from));
                        }
                    }
                }
            }
        }
    }

    private void copy(CpuTensor from, CpuTensor to) {
        if (from.address() != to.address()) {
            backend.elementwise().copy(from, to);
        }
    }

    private static int order(CpuTensor matrices, int most) {
        long n = matrices.shape().size(-1);
        if (n > most) {
            throw new BackpackException(
                    CommonProblems.TOO_LARGE,
                    "The eigenvalues of a matrix of %d rows cannot be found: LAPACK counts its work in 32 bits, which are enough for %d rows."
                            .formatted(n, most));
        }
        return (int) n;
    }
}
