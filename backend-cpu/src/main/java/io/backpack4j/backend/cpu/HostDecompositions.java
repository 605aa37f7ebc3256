package io.backpack4j.backend.cpu;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.Decompositions;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/** LAPACK, one matrix at a time. */
final class HostDecompositions implements Decompositions {

    /** Two squares and a few rows of work still have a size of 31 bits. */
    private static final int MOST_ROWS = 32_000;

    private final CpuBackend backend;

    HostDecompositions(CpuBackend backend) {
        this.backend = backend;
    }

    @Override
    public void symmetricEigen(Tensor a, Tensor values, Tensor vectors) {
        CpuTensor matrices = backend.own(a);
        CpuTensor targets = backend.own(values);
        int n = order(matrices);
        requireFinite(matrices);
        if (matrices.elements == 0) {
            return;
        }
        long size = (long) n * n * matrices.dtype().bytes();
        long row = (long) n * matrices.dtype().bytes();
        try (TensorScope scope = backend.openScope()) {
            CpuTensor rows = backend.own(scope.allocate(a.shape(), a.dtype()));
            backend.elementwise().copy(a, rows);
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
                if (info != 0) {
                    throw new BackpackException(
                            "NoConvergence",
                            "The eigenvalues of a matrix of %d rows were not found (LAPACK says %d)."
                                    .formatted(n, info));
                }
            }
            Shape batch = Shape.of(matrices.elements / n / n, n, n);
            backend.indexing().permute(scope.view(rows, batch), new int[] {0, 2, 1}, scope.view(vectors, batch));
        }
    }

    @Override
    public void cholesky(Tensor a, Tensor destination) {
        CpuTensor target = backend.own(destination);
        CpuTensor matrices = backend.own(a);
        int n = order(matrices);
        requireFinite(matrices);
        if (target.elements == 0) {
            return;
        }
        backend.elementwise().copy(a, destination);
        double[] zeros = new double[n];
        for (long i = 0; i < target.elements / n / n; i++) {
            long first = i * n * n;
            int info = Lapack.cholesky(
                    target.isSingle(),
                    n,
                    target.address() + first * target.dtype().bytes());
            if (info != 0) {
                throw new BackpackException(
                        "NotPositiveDefinite",
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
        int n = order(factors);
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
                    "NotFinite",
                    "A matrix of shape %s has numbers that are not finite: it cannot be decomposed."
                            .formatted(matrices.shape()));
        }
    }

    private static int order(CpuTensor matrices) {
        long n = matrices.shape().size(-1);
        if (n > MOST_ROWS) {
            throw new BackpackException(
                    "TooLarge",
                    "A matrix of %d rows cannot be decomposed: LAPACK counts in 32 bits, which are enough for %d."
                            .formatted(n, MOST_ROWS));
        }
        return (int) n;
    }
}
