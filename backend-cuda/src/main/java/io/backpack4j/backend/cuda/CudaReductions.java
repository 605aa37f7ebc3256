// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.Reductions;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Collection;
import java.util.List;

/**
 * Reductions over the middle of {@code [before, reduced, behind]}: chunks first, then what is left of them. How they
 * are cut follows from shapes alone.
 */
final class CudaReductions implements Reductions {

    /** Rows up to this length are one thread's work, longer ones a block's. */
    private static final long SHORT_ROW = 64;

    /** Most elements of a row that a block takes. */
    private static final long ROW_CHUNK = 64L * Grid.THREADS;

    /** Most elements of a column that a thread takes. */
    private static final long COLUMN_CHUNK = 256;

    private final CudaBackend backend;

    CudaReductions(CudaBackend backend) {
        this.backend = backend;
    }

    @Override
    public Backend backend() {
        return backend;
    }

    @Override
    public void reduce(Reduction reduction, Tensor x, int from, int to, Tensor destination) {
        CudaTensor in = backend.own(x);
        CudaTensor out = backend.own(destination);
        if (out.elements == 0) {
            return;
        }
        Shape shape = in.shape();
        reduce(reduction, in, shape.elements(0, from), shape.elements(from, to), shape.elements(to, shape.rank()), out);
    }

    private void reduce(Reduction reduction, CudaTensor in, long before, long reduced, long behind, CudaTensor out) {
        if (reduced == 0) {
            backend.elementwise().fill(out, 0);
            return;
        }
        boolean rows = behind == 1 && reduced > SHORT_ROW;
        long length = Math.min(reduced, rows ? ROW_CHUNK : COLUMN_CHUNK);
        long chunks = (reduced + length - 1) / length;
        if (chunks == 1) {
            launch(reduction, in, before, reduced, behind, 1, length, rows, out);
        } else {
            try (CudaScope scope = backend.openScope()) {
                CudaTensor parts = scope.allocate(Shape.of(before, chunks, behind), in.dtype());
                launch(reduction, in, before, reduced, behind, chunks, length, rows, parts);
                reduce(reduction, parts, before, chunks, behind, out);
            }
        }
    }

    private void launch(
            Reduction reduction,
            CudaTensor in,
            long before,
            long reduced,
            long behind,
            long chunks,
            long length,
            boolean rows,
            CudaTensor out) {
        Arguments arguments = new Arguments()
                .tensor(in)
                .tensor(out)
                .number(before)
                .number(reduced)
                .number(behind)
                .number(chunks)
                .number(length)
                .number(reduction.ordinal());
        long results = before * chunks * behind;
        backend.operation(reduction.toString())
                .reads(in)
                .writes(out)
                .launch(
                        KernelFile.REDUCTIONS,
                        in.dtype(),
                        rows ? "reduce_rows" : "reduce_columns",
                        rows ? Grid.blocks(results) : Grid.threads(results),
                        arguments);
    }

    /**
     * destination[row] = the inner product of two rows, in double precision.
     *
     * @param a has {@code rows} rows
     * @param b has as many, or one for all of them
     */
    void rowDots(CudaTensor a, CudaTensor b, long rows, CudaTensor destination) {
        if (rows == 0) {
            return;
        }
        long elements = a.elements / rows;
        long length = Math.max(1, Math.min(elements, ROW_CHUNK));
        long chunks = Math.max(1, (elements + length - 1) / length);
        try (CudaScope scope = backend.openScope()) {
            CudaTensor sums = scope.allocate(Shape.of(rows, chunks), DType.FLOAT64);
            Arguments dots = new Arguments()
                    .tensor(a)
                    .tensor(b)
                    .tensor(sums)
                    .number(rows)
                    .number(elements)
                    .number(b.elements == elements ? 0 : elements)
                    .number(chunks)
                    .number(length);
            backend.operation("rowDots")
                    .reads(a, b)
                    .writes(sums)
                    .launch(KernelFile.REDUCTIONS, a.dtype(), "row_dots", Grid.blocks(rows * chunks), dots);
            Arguments rounding = new Arguments()
                    .tensor(sums)
                    .tensor(destination)
                    .number(rows)
                    .number(chunks);
            backend.operation("rowDots")
                    .reads(sums)
                    .writes(destination)
                    .launch(KernelFile.REDUCTIONS, destination.dtype(), "round_sums", Grid.threads(rows), rounding);
        }
    }

    @Override
    public boolean allFinite(Tensor x) {
        return allFinite(List.of(x));
    }

    @Override
    public boolean allFinite(Collection<Tensor> tensors) {
        try (CudaScope scope = backend.openScope()) {
            CudaTensor odd = scope.allocate(Shape.of(), DType.INT64);
            backend.elementwise().fill(odd, 0);
            for (Tensor tensor : tensors) {
                CudaTensor in = backend.own(tensor);
                if (in.elements > 0) {
                    backend.operation("allFinite")
                            .reads(in)
                            .writes(odd)
                            .launch(
                                    KernelFile.REDUCTIONS,
                                    in.dtype(),
                                    "find_odd",
                                    Grid.threads(in.elements),
                                    new Arguments().tensor(in).tensor(odd).number(in.elements));
                }
            }
            return odd.toLongArray()[0] == 0;
        }
    }

    @Override
    public void addHistogram(Tensor x, Tensor range, double factor, Tensor counts) {
        CudaTensor in = backend.own(x);
        CudaTensor out = backend.own(counts);
        long bins = out.elements - 1;
        if (in.elements == 0) {
            return;
        }
        try (CudaScope scope = backend.openScope()) {
            CudaTensor edges = edges(scope, backend.own(range), 0, bins, factor);
            Arguments counting = new Arguments()
                    .tensor(in)
                    .tensor(edges)
                    .tensor(out)
                    .number(in.elements)
                    .number(bins);
            backend.operation("histogram")
                    .reads(in, edges)
                    .writes(out)
                    .launch(KernelFile.REDUCTIONS, in.dtype(), "count_bins", Grid.threads(in.elements), counting);
        }
    }

    @Override
    public void addJointHistogram(Tensor x, Tensor values, Tensor ranges, double factor, Tensor counts) {
        CudaTensor in = backend.own(x);
        CudaTensor others = backend.own(values);
        CudaTensor out = backend.own(counts);
        if (in.elements == 0) {
            return;
        }
        long bins = out.size(0) - 1;
        long binsOfValues = out.size(1) - 1;
        try (CudaScope scope = backend.openScope()) {
            CudaTensor edges = edges(scope, backend.own(ranges), 0, bins, factor);
            CudaTensor edgesOfValues = edges(scope, backend.own(ranges), 2, binsOfValues, 1);
            Arguments counting = new Arguments()
                    .tensor(in)
                    .tensor(others)
                    .tensor(edges)
                    .tensor(edgesOfValues)
                    .tensor(out)
                    .number(in.elements)
                    .number(others.elements)
                    .number(bins)
                    .number(binsOfValues);
            backend.operation("jointHistogram")
                    .reads(in, others, edges, edgesOfValues)
                    .writes(out)
                    .launch(KernelFile.REDUCTIONS, in.dtype(), "count_pairs", Grid.threads(in.elements), counting);
        }
    }

    /** The edges as {@link io.backpack4j.spi.backend.Bins} has them, made once for all threads. */
    private CudaTensor edges(CudaScope scope, CudaTensor ranges, long first, long bins, double factor) {
        CudaTensor edges = scope.allocate(Shape.of(bins), DType.FLOAT64);
        Arguments making = new Arguments()
                .tensor(ranges)
                .tensor(edges)
                .number(first)
                .number(bins)
                .real(factor);
        backend.operation("histogram")
                .reads(ranges)
                .writes(edges)
                .launch(KernelFile.REDUCTIONS, ranges.dtype(), "make_edges", Grid.threads(1), making);
        return edges;
    }
}
