package io.backpack4j.backend.cpu;

import static org.bytedeco.dnnl.global.dnnl.dnnl_softmax_accurate;
import static org.bytedeco.dnnl.global.dnnl.dnnl_softmax_log;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.Reductions;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;

/** Sums and softmax of single precision by oneDNN. Extrema are the host's: oneDNN's lose NaN. */
final class DnnlReductions implements Reductions {

    private static final long WORTH_A_CALL = 512;

    /** Longer sums are the host's, which adds in double precision. */
    private static final long MOST_ONES = 1 << 16;

    private final CpuBackend backend;
    private final DnnlContexts contexts;
    private final Reductions host;

    DnnlReductions(CpuBackend backend, DnnlContexts contexts, Reductions host) {
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
        CpuTensor source = backend.own(x);
        CpuTensor target = backend.own(destination);
        boolean worthIt = reduction == Reduction.SUM && source.isSingle() && source.elements >= WORTH_A_CALL;
        if (!worthIt || !sum(source, from, to, target)) {
            host.reduce(reduction, x, from, to, destination);
        }
    }

    /** A product with ones: oneDNN's reduction is slow for short rows, and its slowest kernel for everything but the last axis. */
    private boolean sum(CpuTensor x, int from, int to, CpuTensor target) {
        Shape shape = x.shape();
        long outer = shape.elements(0, from);
        long length = shape.elements(from, to);
        long inner = shape.elements(to, shape.rank());
        if (length > MOST_ONES) {
            return false;
        }
        DnnlContext context = contexts.get();
        DnnlPrimitive primitive;
        if (inner == 1) {
            PrimitiveKey key = context.key(DnnlKind.SUM_ROWS).add(outer).add(length);
            primitive = context.get(key, Cost.elements(x.elements), () -> DnnlRecipes.sumRows(outer, length));
        } else {
            PrimitiveKey key =
                    context.key(DnnlKind.SUM_COLUMNS).add(outer).add(length).add(inner);
            primitive = context.get(key, Cost.elements(x.elements), () -> DnnlRecipes.sumColumns(outer, length, inner));
        }
        if (!primitive.usable()) {
            return false;
        }
        primitive
                .at(0, x.address())
                .at(1, context.ones(length))
                .at(2, target.address())
                .run(context);
        return true;
    }

    @Override
    public boolean allFinite(Tensor x) {
        return host.allFinite(x);
    }

    @Override
    public void addHistogram(Tensor x, double low, double high, Tensor destination) {
        host.addHistogram(x, low, high, destination);
    }

    @Override
    public void logSoftmax(Tensor x, int axis, Tensor destination) {
        if (!softmax(dnnl_softmax_log, backend.own(x), axis, backend.own(destination))) {
            host.logSoftmax(x, axis, destination);
        }
    }

    @Override
    public void softmax(Tensor x, int axis, Tensor destination) {
        if (!softmax(dnnl_softmax_accurate, backend.own(x), axis, backend.own(destination))) {
            host.softmax(x, axis, destination);
        }
    }

    private boolean softmax(int algorithm, CpuTensor x, int axis, CpuTensor destination) {
        if (!x.isSingle() || x.elements == 0) {
            return false;
        }
        Shape shape = x.shape();
        long outer = shape.elements(0, axis);
        long length = shape.size(axis);
        long inner = shape.elements(axis + 1, shape.rank());
        DnnlContext context = contexts.get();
        PrimitiveKey key = context.key(DnnlKind.SOFTMAX)
                .add(algorithm)
                .add(outer)
                .add(length)
                .add(inner);
        DnnlPrimitive primitive = context.get(
                key,
                4 * Cost.elements(x.elements),
                () -> DnnlRecipes.softmax(algorithm, new long[] {outer, length, inner}, 1));
        if (!primitive.usable()) {
            return false;
        }
        primitive.at(0, x.address()).at(1, destination.address()).run(context);
        return true;
    }
}
