// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.backend.cpu.memory.Scratch;
import io.backpack4j.backend.cpu.memory.Team;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Arrays;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/** Squares and inner products of rows, summed while they are read: nothing as large as the rows is written. */
public final class SquareLoops {

    /** What an element takes. */
    private static final double NANOSECONDS = 0.2;

    /** What a deviation from a center takes. */
    private static final double SQUARE_NANOSECONDS = 0.5;

    /** Fewer rows are cut into parts themselves. */
    private static final int FEW_ROWS = 16;

    private SquareLoops() {}

    /** destination[b] = Σ_p a[b] · b[b], in double precision; b may have a single row for all of a. */
    static void rowDots(Team team, CpuTensor a, CpuTensor b, CpuTensor destination) {
        long rows = destination.elements;
        long length = a.elements / Math.max(1, rows);
        boolean repeats = b.elements == length;
        if (rows < FEW_ROWS && length > Scratch.CHUNK) {
            double[] sums = new double[(int) rows];
            for (int i = 0; i < rows; i++) {
                sums[i] = longDot(team, a, i * length, b, repeats ? 0 : i * length, length);
            }
            destination.store(0, sums, (int) rows);
            return;
        }
        int parts = team.parts(a.elements * NANOSECONDS);
        team.run(parts, rows, (part, from, to) -> {
            if (a.isSingle() && length > 0 && length <= Scratch.CHUNK / 2) {
                shortRowDots(a, b, (int) length, repeats, destination, from, to);
            } else {
                rowDots(a, b, length, repeats, destination, from, to);
            }
        });
    }

    private static void rowDots(
            CpuTensor a, CpuTensor b, long length, boolean repeats, CpuTensor destination, long from, long to) {
        double[] sums = Scratch.get().c;
        for (long done = from; done < to; done += Scratch.CHUNK) {
            int count = (int) Math.min(Scratch.CHUNK, to - done);
            for (int i = 0; i < count; i++) {
                long first = (done + i) * length;
                sums[i] = dot(a, first, b, repeats ? 0 : first, length);
            }
            destination.store(done, sums, count);
        }
    }

    /** An inner product of which every part has a sum of its own. */
    private static double longDot(Team team, CpuTensor a, long fromA, CpuTensor b, long fromB, long length) {
        return sum(team, length, (from, to) -> dot(a, fromA + from, b, fromB + from, to - from));
    }

    /** A sum over some items. */
    private interface PartialSum {
        double of(long from, long to);
    }

    private static double sum(Team team, long items, PartialSum partial) {
        int parts = team.parts(items * NANOSECONDS);
        double[] sums = new double[parts];
        team.run(parts, items, (part, from, to) -> sums[part] = partial.of(from, to));
        double sum = 0;
        for (double part : sums) {
            sum += part;
        }
        return sum;
    }

    /** Reads several rows at a time: for short ones every call into native memory costs as much as the sum. */
    private static void shortRowDots(
            CpuTensor a, CpuTensor b, int length, boolean repeats, CpuTensor destination, long from, long to) {
        Scratch scratch = Scratch.get();
        boolean same = isSame(a, 0, b, 0) && a.elements == b.elements;
        float[] left = scratch.floats;
        float[] right = same ? left : scratch.moreFloats;
        double[] sums = scratch.c;
        int rows = Scratch.CHUNK / length;
        if (repeats && !same) {
            b.block.get(b.at(0), right, 0, length);
        }
        for (long done = from; done < to; done += rows) {
            int count = (int) Math.min(rows, to - done);
            a.block.get(a.at(done * length), left, 0, count * length);
            if (!same && !repeats) {
                b.block.get(b.at(done * length), right, 0, count * length);
            }
            for (int i = 0; i < count; i++) {
                int first = i * length;
                sums[i] = same ? square(left, first, length) : dot(left, first, right, repeats ? 0 : first, length);
            }
            destination.store(done, sums, count);
        }
    }

    private static boolean isSame(CpuTensor a, long fromA, CpuTensor b, long fromB) {
        return a.block == b.block && a.at(fromA) == b.at(fromB);
    }

    /** The inner product of {@code length} elements, in double precision. */
    public static double dot(CpuTensor a, long fromA, CpuTensor b, long fromB, long length) {
        return a.isSingle() ? dotSingle(a, fromA, b, fromB, length) : dotDouble(a, fromA, b, fromB, length);
    }

    private static double dotDouble(CpuTensor a, long fromA, CpuTensor b, long fromB, long length) {
        Scratch scratch = Scratch.get();
        double sum = 0;
        for (long done = 0; done < length; done += Scratch.CHUNK) {
            int count = (int) Math.min(Scratch.CHUNK, length - done);
            a.load(fromA + done, scratch.a, count);
            b.load(fromB + done, scratch.b, count);
            sum += dot(scratch.a, scratch.b, count);
        }
        return sum;
    }

    private static double dotSingle(CpuTensor a, long fromA, CpuTensor b, long fromB, long length) {
        Scratch scratch = Scratch.get();
        boolean same = isSame(a, fromA, b, fromB);
        float[] left = scratch.floats;
        float[] right = same ? left : scratch.moreFloats;
        if (length >= PairedSums.WORTH) {
            OptionalDouble paired = pairedDot(a, fromA, b, fromB, length, left, right);
            if (paired.isPresent()) {
                return paired.getAsDouble();
            }
        }
        double sum = 0;
        for (long done = 0; done < length; done += Scratch.CHUNK) {
            int count = (int) Math.min(Scratch.CHUNK, length - done);
            a.block.get(a.at(fromA + done), left, 0, count);
            if (!same) {
                b.block.get(b.at(fromB + done), right, 0, count);
            }
            sum += same ? square(left, 0, count) : dot(left, 0, right, 0, count);
        }
        return sum;
    }

    /** Nothing if numbers are too large or too small for pairs. */
    private static OptionalDouble pairedDot(
            CpuTensor a, long fromA, CpuTensor b, long fromB, long length, float[] left, float[] right) {
        PairedSums sums = PairedSums.ofThread();
        sums.clear();
        for (long done = 0; done < length; done += Scratch.CHUNK) {
            int count = (int) Math.min(Scratch.CHUNK, length - done);
            a.block.get(a.at(fromA + done), left, 0, count);
            if (left != right) {
                b.block.get(b.at(fromB + done), right, 0, count);
            }
            sums.add(left, right, count);
        }
        return sums.total();
    }

    /** The sum of some elements; nothing if numbers are too large or too small for pairs. */
    static OptionalDouble pairedSum(CpuTensor a, long from, long to) {
        float[] numbers = Scratch.get().floats;
        PairedSums sums = PairedSums.ofThread();
        sums.clear();
        for (long done = from; done < to; done += Scratch.CHUNK) {
            int count = (int) Math.min(Scratch.CHUNK, to - done);
            a.block.get(a.at(done), numbers, 0, count);
            sums.add(numbers, count);
        }
        return sums.total();
    }

    /**
     * Products of single numbers have no rounding error in double precision. Eight partial sums: additions that do not
     * wait for each other.
     */
    public static double dot(float[] a, float[] b, int count) {
        return dot(a, 0, b, 0, count);
    }

    private static double dot(float[] a, int fromA, float[] b, int fromB, int count) {
        double s0 = 0;
        double s1 = 0;
        double s2 = 0;
        double s3 = 0;
        double s4 = 0;
        double s5 = 0;
        double s6 = 0;
        double s7 = 0;
        int i = 0;
        for (; i + 8 <= count; i += 8) {
            s0 += (double) a[fromA + i] * b[fromB + i];
            s1 += (double) a[fromA + i + 1] * b[fromB + i + 1];
            s2 += (double) a[fromA + i + 2] * b[fromB + i + 2];
            s3 += (double) a[fromA + i + 3] * b[fromB + i + 3];
            s4 += (double) a[fromA + i + 4] * b[fromB + i + 4];
            s5 += (double) a[fromA + i + 5] * b[fromB + i + 5];
            s6 += (double) a[fromA + i + 6] * b[fromB + i + 6];
            s7 += (double) a[fromA + i + 7] * b[fromB + i + 7];
        }
        for (; i < count; i++) {
            s0 += (double) a[fromA + i] * b[fromB + i];
        }
        return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7));
    }

    /** The inner product of numbers with themselves, each of them converted once. */
    private static double square(float[] a, int from, int count) {
        double s0 = 0;
        double s1 = 0;
        double s2 = 0;
        double s3 = 0;
        int i = 0;
        for (; i + 4 <= count; i += 4) {
            double a0 = a[from + i];
            double a1 = a[from + i + 1];
            double a2 = a[from + i + 2];
            double a3 = a[from + i + 3];
            s0 += a0 * a0;
            s1 += a1 * a1;
            s2 += a2 * a2;
            s3 += a3 * a3;
        }
        for (; i < count; i++) {
            s0 += (double) a[from + i] * a[from + i];
        }
        return (s0 + s1) + (s2 + s3);
    }

    /** Four partial sums: additions that do not wait for each other. */
    static double dot(double[] a, double[] b, int count) {
        double s0 = 0;
        double s1 = 0;
        double s2 = 0;
        double s3 = 0;
        int i = 0;
        for (; i + 4 <= count; i += 4) {
            s0 += a[i] * b[i];
            s1 += a[i + 1] * b[i + 1];
            s2 += a[i + 2] * b[i + 2];
            s3 += a[i + 3] * b[i + 3];
        }
        for (; i < count; i++) {
            s0 += a[i] * b[i];
        }
        return (s0 + s1) + (s2 + s3);
    }

    /** destination += Σ_b w_b (x_b − center)², for tiles from number {@code first} on. */
    static void add(NativeBackend backend, CpuTensor tiles, long first, TileConsumer.SumOfSquares squares) {
        CpuTensor destination = backend.own(squares.destination());
        CpuTensor center = own(backend, squares.center());
        CpuTensor weights = own(backend, squares.weights());
        double perElement = SQUARE_NANOSECONDS * tiles.shape().size(0);
        backend.team()
                .forAll(
                        destination.elements,
                        Scratch.CHUNK,
                        perElement,
                        (from, to) -> add(tiles, first, center, weights, destination, from, to));
    }

    private static void add(
            CpuTensor tiles,
            long first,
            @Nullable CpuTensor center,
            @Nullable CpuTensor weights,
            CpuTensor destination,
            long from,
            long to) {
        Scratch scratch = Scratch.get();
        double[] centers = scratch.b;
        Arrays.fill(centers, 0);
        double[] sums = scratch.c;
        double[] weight = {1};
        long length = destination.elements;
        for (long done = from; done < to; done += Scratch.CHUNK) {
            int count = (int) Math.min(Scratch.CHUNK, to - done);
            destination.load(done, sums, count);
            if (center != null) {
                center.load(done, centers, count);
            }
            for (long tile = 0; tile < tiles.shape().size(0); tile++) {
                tiles.load(tile * length + done, scratch.a, count);
                if (weights != null) {
                    weights.load(first + tile, weight, 1);
                }
                addSquares(weight[0], scratch.a, centers, sums, count);
            }
            destination.store(done, sums, count);
        }
    }

    private static @Nullable CpuTensor own(NativeBackend backend, @Nullable Tensor tensor) {
        return tensor == null ? null : backend.own(tensor);
    }

    private static void addSquares(double weight, double[] values, double[] centers, double[] sums, int count) {
        for (int i = 0; i < count; i++) {
            double deviation = values[i] - centers[i];
            sums[i] += weight * deviation * deviation;
        }
    }
}
