// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.backend.cpu.memory.Scratch;
import io.backpack4j.backend.cpu.memory.Team;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Difference;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.Reductions;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Arrays;
import java.util.List;

/** Reductions as loops over chunks, in double precision whatever the type. */
final class HostReductions implements Reductions {

    /** What an element takes. */
    private static final double NANOSECONDS = 0.4;

    private final NativeBackend backend;

    HostReductions(NativeBackend backend) {
        this.backend = backend;
    }

    @Override
    public Backend backend() {
        return backend;
    }

    @Override
    public void reduce(Reduction reduction, Tensor x, int from, int to, Tensor destination) {
        CpuTensor source = backend.own(x);
        CpuTensor target = backend.own(destination);
        Shape shape = source.shape();
        long outer = shape.elements(0, from);
        long length = shape.elements(from, to);
        long inner = shape.elements(to, shape.rank());
        if (outer * inner == 0) {
            return;
        }
        if (length == 0) {
            if (reduction != Reduction.SUM) {
                throw new BackpackException(
                        LoopProblems.EMPTY_REDUCTION,
                        "%s over axes %d to %d (exclusive) of a tensor of shape %s has nothing to choose from."
                                .formatted(reduction, from, to, shape));
            }
            backend.elementwise().fill(target, 0);
        } else if (length == 1) {
            backend.elementwise().copy(source, target);
        } else if (inner == 1) {
            reduceRows(reduction, source, outer, length, target);
        } else {
            for (long i = 0; i < outer; i++) {
                reduceColumns(reduction, source, i * length * inner, length, inner, target, i * inner);
            }
        }
    }

    private void reduceRows(Reduction reduction, CpuTensor source, long outer, long length, CpuTensor target) {
        Team team = backend.team();
        if (outer == 1) {
            reduceRow(reduction, length, target, (from, to) -> reduceLong(reduction, source, from, to - from));
        } else {
            team.run(
                    team.parts(outer * length * NANOSECONDS),
                    outer,
                    (part, from, to) -> reduceRows(reduction, source, from, to, length, target));
        }
    }

    private static void reduceRows(
            Reduction reduction, CpuTensor source, long from, long to, long length, CpuTensor target) {
        Scratch scratch = Scratch.get();
        int together = (int) Math.max(1, Scratch.CHUNK / length);
        for (long row = from; row < to; row += together) {
            int rows = (int) Math.min(together, to - row);
            if (length <= Scratch.CHUNK) {
                int width = (int) length;
                source.load(row * length, scratch.a, rows * width);
                reduceRuns(reduction, scratch.a, rows, width, scratch.b);
            } else {
                scratch.b[0] = reduceLong(reduction, source, row * length, length);
            }
            target.store(row, scratch.b, rows);
        }
    }

    private static void reduceRuns(Reduction reduction, double[] values, int rows, int width, double[] results) {
        for (int i = 0; i < rows; i++) {
            results[i] = reduceRun(reduction, values, i * width, width);
        }
    }

    /** Reduces some elements. */
    private interface PartialReduction {
        double of(long from, long to);
    }

    private void reduceRow(Reduction reduction, long length, CpuTensor target, PartialReduction partial) {
        int parts = backend.team().parts(length * NANOSECONDS);
        double[] results = new double[parts];
        backend.team().run(parts, length, (part, from, to) -> results[part] = partial.of(from, to));
        target.store(0, new double[] {reduceRun(reduction, results, 0, parts)}, 1);
    }

    private static double reduceLong(Reduction reduction, CpuTensor source, long from, long length) {
        double[] part = Scratch.get().a;
        double result = neutral(reduction);
        for (long done = 0; done < length; done += part.length) {
            int count = (int) Math.min(part.length, length - done);
            source.load(from + done, part, count);
            result = combine(reduction, result, reduceRun(reduction, part, 0, count));
        }
        return result;
    }

    private static void reduceColumns(
            Reduction reduction, CpuTensor source, long base, long length, long inner, CpuTensor target, long to) {
        Scratch scratch = Scratch.get();
        double[] totals = scratch.b;
        for (long column = 0; column < inner; column += totals.length) {
            int width = (int) Math.min(totals.length, inner - column);
            Arrays.fill(totals, 0, width, neutral(reduction));
            int together = width == inner ? Scratch.CHUNK / width : 1;
            for (long row = 0; row < length; row += together) {
                int rows = (int) Math.min(together, length - row);
                source.load(base + row * inner + column, scratch.a, rows * width);
                for (int i = 0; i < rows; i++) {
                    combineRow(reduction, totals, scratch.a, i * width, width);
                }
            }
            target.store(to + column, totals, width);
        }
    }

    private static void combineRow(Reduction reduction, double[] totals, double[] values, int from, int count) {
        switch (reduction) {
            case SUM -> addRow(totals, values, from, count);
            case MAXIMUM -> {
                for (int i = 0; i < count; i++) {
                    totals[i] = Math.max(totals[i], values[from + i]);
                }
            }
            case MINIMUM -> {
                for (int i = 0; i < count; i++) {
                    totals[i] = Math.min(totals[i], values[from + i]);
                }
            }
        }
    }

    private static void addRow(double[] totals, double[] values, int from, int count) {
        for (int i = 0; i < count; i++) {
            totals[i] += values[from + i];
        }
    }

    private static double reduceRun(Reduction reduction, double[] values, int from, int count) {
        return switch (reduction) {
            case SUM -> sum(values, from, count);
            case MAXIMUM -> maximum(values, from, count);
            case MINIMUM -> minimum(values, from, count);
        };
    }

    /**
     * Branches that are nearly always predicted: Math.max, which knows about NaN and two zeros, is slower in a chain.
     * NaN compares to nothing.
     */
    private static double maximum(double[] values, int from, int count) {
        double largest = values[from];
        for (int i = from + 1; i < from + count; i++) {
            if (!(values[i] <= largest)) {
                if (Double.isNaN(largest)) {
                    return largest;
                }
                largest = values[i];
            }
        }
        return largest;
    }

    private static double minimum(double[] values, int from, int count) {
        double smallest = values[from];
        for (int i = from + 1; i < from + count; i++) {
            if (!(values[i] >= smallest)) {
                if (Double.isNaN(smallest)) {
                    return smallest;
                }
                smallest = values[i];
            }
        }
        return smallest;
    }

    /** Four partial sums: additions that do not wait for each other. */
    private static double sum(double[] values, int from, int count) {
        double s0 = 0;
        double s1 = 0;
        double s2 = 0;
        double s3 = 0;
        int i = 0;
        for (; i + 4 <= count; i += 4) {
            s0 += values[from + i];
            s1 += values[from + i + 1];
            s2 += values[from + i + 2];
            s3 += values[from + i + 3];
        }
        for (; i < count; i++) {
            s0 += values[from + i];
        }
        return (s0 + s1) + (s2 + s3);
    }

    private static double combine(Reduction reduction, double a, double b) {
        return switch (reduction) {
            case SUM -> a + b;
            case MAXIMUM -> Math.max(a, b);
            case MINIMUM -> Math.min(a, b);
        };
    }

    private static double neutral(Reduction reduction) {
        return switch (reduction) {
            case SUM -> 0;
            case MAXIMUM -> Double.NEGATIVE_INFINITY;
            case MINIMUM -> Double.POSITIVE_INFINITY;
        };
    }

    @Override
    public void total(Tensor x, Tensor destination) {
        CpuTensor source = backend.own(x);
        if (source.isSingle() && source.elements >= PairedSums.WORTH) {
            CpuTensor target = backend.own(destination);
            reduceRow(
                    Reduction.SUM,
                    source.elements,
                    target,
                    (from, to) -> SquareLoops.pairedSum(source, from, to)
                            .orElseGet(() -> reduceLong(Reduction.SUM, source, from, to - from)));
        } else {
            reduce(Reduction.SUM, x, 0, x.shape().rank(), destination);
        }
    }

    @Override
    public void measure(List<Difference> differences, Tensor destination) {
        DifferenceLoop.measure(backend, differences, backend.own(destination));
    }

    @Override
    public boolean allFinite(Tensor x) {
        CpuTensor source = backend.own(x);
        return source.isSingle() ? allFiniteSingle(source) : allFiniteDouble(source);
    }

    /**
     * The bits of a finite number's magnitude are below those of infinity: their difference is negative for all, or
     * some are not finite.
     */
    private static boolean allFiniteSingle(CpuTensor source) {
        int[] bits = Scratch.get().ints;
        for (long at = 0; at < source.elements; at += bits.length) {
            int count = (int) Math.min(bits.length, source.elements - at);
            source.block.get(source.at(at), bits, 0, count);
            if (signs(bits, count) >= 0) {
                return false;
            }
        }
        return true;
    }

    private static int signs(int[] bits, int count) {
        int signs = -1;
        for (int i = 0; i < count; i++) {
            signs &= (bits[i] & 0x7FFFFFFF) - 0x7F800000;
        }
        return signs;
    }

    private static boolean allFiniteDouble(CpuTensor source) {
        long[] bits = Scratch.get().longs;
        for (long at = 0; at < source.elements; at += bits.length) {
            int count = (int) Math.min(bits.length, source.elements - at);
            source.block.get(source.at(at), bits, 0, count);
            long signs = -1;
            for (int i = 0; i < count; i++) {
                signs &= (bits[i] & 0x7FFFFFFFFFFFFFFFL) - 0x7FF0000000000000L;
            }
            if (signs >= 0) {
                return false;
            }
        }
        return true;
    }

    @Override
    public void addHistogram(Tensor x, Tensor range, double factor, Tensor counts) {
        count(new HistogramLoop(backend.team(), range, factor, counts), x);
    }

    @Override
    public void addJointHistogram(Tensor x, Tensor values, Tensor ranges, double factor, Tensor counts) {
        count(new HistogramLoop(backend.team(), ranges, factor, values, counts), x);
    }

    private void count(HistogramLoop loop, Tensor x) {
        loop.add(backend.own(x));
        loop.store();
    }
}
