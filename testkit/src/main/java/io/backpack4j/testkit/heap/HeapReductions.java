// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.heap;

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
    public void addHistogram(Tensor x, Tensor range, double factor, Tensor counts) {
        HeapTensor in = backend.own(x);
        HeapTensor edges = backend.own(range);
        HeapTensor out = backend.own(counts);
        HeapChecks.floating(edges, in);
        HeapChecks.shape(edges, Shape.of(2));
        int bins = out.size() - 1;
        for (int i = 0; i < in.size(); i++) {
            increment(out, bin(in.get(i), factor * edges.get(0), factor * edges.get(1), bins));
        }
    }

    @Override
    public void addJointHistogram(Tensor x, Tensor values, Tensor ranges, double factor, Tensor counts) {
        HeapTensor in = backend.own(x);
        HeapTensor others = backend.own(values);
        HeapTensor edges = backend.own(ranges);
        HeapTensor out = backend.own(counts);
        HeapChecks.floating(edges, in);
        HeapChecks.floating(edges, others);
        HeapChecks.shape(edges, Shape.of(2, 2));
        int rows = (int) out.shape().size(0) - 1;
        int columns = (int) out.shape().size(1) - 1;
        for (int i = 0; i < in.size(); i++) {
            int row = bin(in.get(i), factor * edges.get(0), factor * edges.get(1), rows);
            int column = bin(others.get(i % others.size()), edges.get(2), edges.get(3), columns);
            increment(out, row * (columns + 1) + column);
        }
    }

    private static void increment(HeapTensor counts, int index) {
        long[] count = new long[1];
        counts.read(index, count, 0, 1);
        count[0]++;
        counts.write(index, count, 0, 1);
    }

    /** By its definition. */
    private static int bin(double x, double low, double high, int bins) {
        int bin = 0;
        for (int i = 1; i < bins; i++) {
            if (x >= (low * (bins - i) + high * i) / bins) {
                bin = i;
            }
        }
        return Double.isNaN(x) ? bins : bin;
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
