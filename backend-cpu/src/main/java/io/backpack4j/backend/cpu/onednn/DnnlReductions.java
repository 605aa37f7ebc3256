// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import io.backpack4j.backend.cpu.memory.Arrangement;
import io.backpack4j.backend.cpu.memory.Block;
import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.backend.cpu.memory.PendingPlanes;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Difference;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.Reductions;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;

/** Sums and softmax of single precision by oneDNN. Extrema are the host's: oneDNN's lose NaN. */
final class DnnlReductions implements Reductions {

    private static final long WORTH_A_CALL = 512;

    /** Longer sums are cut. */
    private static final long LONGEST = 4096;

    /** Rows of fewer elements are joined. */
    private static final long NARROW = 64;

    /** From as many elements on, sums tell faster whether all are finite than a look at each of them. */
    private static final long WORTH_SUMMING = 8192;

    /** Number of rows added up then. */
    private static final long SUMMED = 1024;

    /** Cost of an element in softmax, relative to other operations. */
    private static final int SOFTMAX = 12;

    private final NativeBackend backend;
    private final DnnlContexts contexts;
    private final Reductions host;

    DnnlReductions(NativeBackend backend, DnnlContexts contexts, Reductions host) {
        this.backend = backend;
        this.contexts = contexts;
        this.host = host;
    }

    @Override
    public Backend backend() {
        return backend;
    }

    @Override
    public void reduce(Reduction reduction, Tensor x, int from, int to, Tensor destination) {
        CpuTensor target = backend.own(destination);
        if (reduction == Reduction.SUM && sumPending(backend.handle(x), from, to, target)) {
            return;
        }
        CpuTensor source = backend.asItLies(x);
        if (reduction == Reduction.SUM
                && (sumPositions(source, from, to, target) || sumSamples(source, from, to, target))) {
            return;
        }
        backend.makeRowMajor(source.block);
        boolean worthIt = reduction == Reduction.SUM
                && source.isSingle()
                && source.elements >= WORTH_A_CALL
                && source.elements > target.elements;
        if (!worthIt || !sum(source, from, to, target)) {
            host.reduce(reduction, x, from, to, destination);
        }
    }

    /** Sums over all positions of planes that are still to be scattered: these are the sums of what is scattered. */
    private boolean sumPending(CpuTensor x, int from, int to, CpuTensor target) {
        int rank = x.shape().rank();
        PendingPlanes pending = to == rank && from < to ? x.pendingPlanes(rank - from) : null;
        if (pending == null || x.elements == 0) {
            return false;
        }
        Arrangement.ChannelsLast order = pending.sourceOrder();
        long outer = x.shape().elements(0, from - 1);
        long first = x.offset / (x.elements / outer * Float.BYTES);
        return sumInPieces(
                contexts.get(), outer, order.positions(), order.channels(), pending.source(first), target.address());
    }

    /** Sums over all positions of planes whose channels lie last. */
    private boolean sumPositions(CpuTensor x, int from, int to, CpuTensor target) {
        int rank = x.shape().rank();
        if (to != rank || from >= to || !x.isSingle() || !x.isChannelsLast(rank - from)) {
            return false;
        }
        long channels = x.shape().size(from - 1);
        long positions = x.shape().elements(from, rank);
        long outer = x.elements / (channels * positions);
        return outer > 0 && sumInPieces(contexts.get(), outer, positions, channels, x.address(), target.address());
    }

    /** Sums of columns, long ones in pieces, whose sums are added. */
    private static boolean sumInPieces(DnnlContext context, long batch, long rows, long columns, long x, long target) {
        long pieces = pieces(rows, 1);
        if (pieces <= 1) {
            return pieces == 1 && sumColumns(context, batch, rows, columns, x, target);
        }
        Block partial = context.pool().allocate(batch * pieces * columns * Float.BYTES);
        try {
            return sumColumns(context, batch * pieces, rows / pieces, columns, x, partial.address)
                    && sumColumns(context, batch, pieces, columns, partial.address, target);
        } finally {
            context.pool().release(partial);
        }
    }

    /** Sums over samples whose channels lie last: channels of the sums do, too. */
    private boolean sumSamples(CpuTensor x, int from, int to, CpuTensor target) {
        boolean keepsOrder = x.block.arrangement instanceof Arrangement.ChannelsLast last
                && target.elements % (last.channels() * last.positions()) == 0
                && x.isAligned()
                && target.coversBlock();
        if (!keepsOrder || !x.isSingle() || from != 0 || to != 1) {
            return false;
        }
        long samples = x.shape().size(0);
        boolean summed = samples > 0
                && samples <= LONGEST
                && sumColumns(contexts.get(), 1, samples, target.elements, x.address(), target.address());
        if (summed) {
            target.block.arrangement = x.block.arrangement;
        }
        return summed;
    }

    /**
     * A product with ones: oneDNN's reduction is slow for short rows, and a reference for everything but the last axis.
     * Long sums are taken in pieces, whose sums are added: single precision adds up its rounding errors.
     */
    private boolean sum(CpuTensor x, int from, int to, CpuTensor target) {
        Shape shape = x.shape();
        long outer = shape.elements(0, from);
        long length = shape.elements(from, to);
        long inner = shape.elements(to, shape.rank());
        DnnlContext context = contexts.get();
        if (inner == 1) {
            return sumRows(context, outer, length, x, target);
        }
        boolean narrow = outer == 1 && inner < NARROW && length > NARROW;
        long pieces = pieces(length, narrow ? NARROW / inner : 1);
        if (pieces == 1) {
            return sumColumns(context, outer, length, inner, x.address(), target.address());
        }
        if (pieces == 0 || outer > 1) {
            return false;
        }
        // some rows side by side are one wide row, whose pieces are added at last
        Block wide = context.pool().allocate(pieces * inner * Float.BYTES);
        try {
            return sumColumns(context, 1, length / pieces, pieces * inner, x.address(), wide.address)
                    && sumColumns(context, 1, pieces, inner, wide.address, target.address());
        } finally {
            context.pool().release(wide);
        }
    }

    /**
     * Into how many equal pieces to cut a sum: at least {@code least}, and enough to keep them short; 0 if there is no
     * such number.
     */
    private static long pieces(long length, long least) {
        long fewest = Math.max(least, (length + LONGEST - 1) / LONGEST);
        for (long pieces = fewest; pieces <= Math.min(length, 4 * fewest); pieces++) {
            if (length % pieces == 0) {
                return pieces;
            }
        }
        return least == 1 ? 0 : pieces(length, 1);
    }

    private static boolean sumRows(DnnlContext context, long rows, long length, CpuTensor x, CpuTensor target) {
        long pieces = pieces(length, 1);
        if (pieces <= 1) {
            return pieces == 1 && sumRows(context, rows, length, x.address(), target.address());
        }
        Block partial = context.pool().allocate(rows * pieces * Float.BYTES);
        try {
            return sumRows(context, rows * pieces, length / pieces, x.address(), partial.address)
                    && sumRows(context, rows, pieces, partial.address, target.address());
        } finally {
            context.pool().release(partial);
        }
    }

    private static boolean sumRows(DnnlContext context, long rows, long length, long x, long target) {
        PrimitiveKey key = context.key(DnnlKind.SUM_ROWS).add(rows).add(length);
        DnnlPrimitive primitive =
                context.get(key, Cost.elements(rows * length), () -> DnnlRecipes.sumRows(rows, length));
        if (!primitive.usable()) {
            return false;
        }
        primitive.at(0, x).at(1, context.ones(length)).at(2, target).run(context);
        return true;
    }

    static boolean sumColumns(DnnlContext context, long batch, long rows, long columns, long x, long target) {
        PrimitiveKey key =
                context.key(DnnlKind.SUM_COLUMNS).add(batch).add(rows).add(columns);
        DnnlPrimitive primitive = context.get(
                key, Cost.elements(batch * rows * columns), () -> DnnlRecipes.sumColumns(batch, rows, columns));
        if (!primitive.usable()) {
            return false;
        }
        primitive.at(0, x).at(1, context.ones(rows)).at(2, target).run(context);
        return true;
    }

    @Override
    public void total(Tensor x, Tensor destination) {
        host.total(x, destination);
    }

    @Override
    public void measure(List<Difference> differences, Tensor destination) {
        host.measure(differences, destination);
    }

    @Override
    public boolean allFinite(Tensor x) {
        CpuTensor source = backend.own(x);
        boolean worthIt = source.isSingle() && source.elements >= WORTH_SUMMING;
        return (worthIt && finiteSums(source)) || host.allFinite(x);
    }

    /**
     * Whether sums of all elements are finite: then the elements are. A sum may overflow, so the opposite says nothing.
     */
    private boolean finiteSums(CpuTensor x) {
        DnnlContext context = contexts.get();
        long blocks = x.elements / (NARROW * SUMMED);
        long rows = x.elements / NARROW - blocks * SUMMED;
        long read = (blocks * SUMMED + rows) * NARROW;
        try (TensorScope scope = backend.openScope()) {
            Tensor sums = scope.allocate(Shape.of(blocks + 1, NARROW), DType.FLOAT32);
            backend.elementwise().fill(sums, 0);
            long to = backend.own(sums).address();
            boolean summed = (blocks == 0 || sumColumns(context, blocks, SUMMED, NARROW, x.address(), to))
                    && (rows == 0
                            || sumColumns(
                                    context,
                                    1,
                                    rows,
                                    NARROW,
                                    x.address() + blocks * SUMMED * NARROW * Float.BYTES,
                                    to + blocks * NARROW * Float.BYTES));
            Tensor flat = scope.view(x, Shape.of(x.elements));
            return summed && host.allFinite(sums) && host.allFinite(scope.rows(flat, read, x.elements));
        }
    }

    @Override
    public void addHistogram(Tensor x, Tensor range, double factor, Tensor counts) {
        host.addHistogram(x, range, factor, counts);
    }

    @Override
    public void addJointHistogram(Tensor x, Tensor values, Tensor ranges, double factor, Tensor counts) {
        host.addJointHistogram(x, values, ranges, factor, counts);
    }

    /**
     * oneDNN's is off by up to 3e-6, its logarithm's error: the host's takes one exact logarithm per sum, and oneDNN
     * for the rest.
     */
    @Override
    public void logSoftmax(Tensor x, int axis, Tensor destination) {
        host.logSoftmax(x, axis, destination);
    }

    @Override
    public void softmax(Tensor x, int axis, Tensor destination) {
        if (!softmax(backend.own(x), axis, backend.own(destination))) {
            host.softmax(x, axis, destination);
        }
    }

    private boolean softmax(CpuTensor x, int axis, CpuTensor destination) {
        if (!x.isSingle() || x.elements == 0) {
            return false;
        }
        Shape shape = x.shape();
        long outer = shape.elements(0, axis);
        long length = shape.size(axis);
        long inner = shape.elements(axis + 1, shape.rank());
        DnnlContext context = contexts.get();
        PrimitiveKey key = context.key(DnnlKind.SOFTMAX).add(outer).add(length).add(inner);
        DnnlPrimitive primitive = context.get(
                key,
                SOFTMAX * Cost.elements(x.elements),
                () -> DnnlRecipes.softmax(new long[] {outer, length, inner}, 1));
        if (!primitive.usable()) {
            return false;
        }
        primitive.at(0, x.address()).at(1, destination.address()).run(context);
        return true;
    }
}
