package io.backpack4j.testkit;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.Reductions;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;

/** Reductions over the middle of {@code [before, reduced, behind]}. */
final class HeapReductions implements Reductions {

    private final HeapBackend backend;

    HeapReductions(HeapBackend backend) {
        this.backend = backend;
    }

    @Override
    public Backend backend() {
        return backend;
    }

    @Override
    public void reduce(Reduction reduction, Tensor x, int from, int to, Tensor destination) {
        HeapTensor in = backend.own(x);
        HeapTensor out = backend.own(destination);
        Shape shape = in.shape();
        HeapChecks.require(0 <= from && from <= to && to <= shape.rank(), "No axes %d to %d in %s", from, to, shape);
        HeapChecks.floating(out, in);
        HeapChecks.shape(out, shape.slice(0, from).append(shape.dropFirst(to).toArray()));
        HeapChecks.apart(out, in);
        int before = (int) shape.elements(0, from);
        int reduced = (int) shape.elements(from, to);
        int behind = (int) shape.elements(to, shape.rank());
        HeapChecks.require(reduced > 0 || reduction == Reduction.SUM, "%s of nothing", reduction);
        for (int a = 0; a < before; a++) {
            for (int b = 0; b < behind; b++) {
                double result = start(reduction);
                for (int r = 0; r < reduced; r++) {
                    result = joined(reduction, result, in.get((a * reduced + r) * behind + b));
                }
                out.set(a * behind + b, result);
            }
        }
    }

    @Override
    public boolean allFinite(Tensor x) {
        HeapTensor in = backend.own(x);
        for (int i = 0; i < in.size(); i++) {
            if (!Double.isFinite(in.get(i))) {
                return false;
            }
        }
        return true;
    }

    @Override
    public void addHistogram(Tensor x, double low, double high, Tensor destination) {
        HeapTensor in = backend.own(x);
        HeapTensor out = backend.own(destination);
        HeapChecks.floating(out);
        int bins = out.size();
        double width = (high - low) / bins;
        for (int i = 0; i < in.size(); i++) {
            double place = Math.floor((in.get(i) - low) / width);
            if (!Double.isNaN(place)) {
                int bin = (int) Math.max(0, Math.min(bins - 1, place));
                out.set(bin, out.get(bin) + 1);
            }
        }
    }

    private static double start(Reduction reduction) {
        return switch (reduction) {
            case SUM -> 0;
            case MAXIMUM -> Double.NEGATIVE_INFINITY;
            case MINIMUM -> Double.POSITIVE_INFINITY;
        };
    }

    private static double joined(Reduction reduction, double a, double b) {
        return switch (reduction) {
            case SUM -> a + b;
            case MAXIMUM -> Math.max(a, b);
            case MINIMUM -> Math.min(a, b);
        };
    }
}
