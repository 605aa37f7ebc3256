// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.backend.cpu.memory.Scratch;
import io.backpack4j.spi.backend.Difference;
import io.backpack4j.spi.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/**
 * Sums of differences in one walk: a chunk is read, subtracted, written and added up while it is in the first cache.
 * All differences together are cut into parts, so that threads meet once for all of them.
 */
final class DifferenceLoop {

    /** What an element takes. */
    private static final double NANOSECONDS = 0.25;

    private final CpuTensor minuend;
    private final @Nullable CpuTensor subtrahend;
    private final @Nullable CpuTensor target;
    private final @Nullable CpuTensor along;

    private DifferenceLoop(NativeBackend backend, Difference difference) {
        this.minuend = backend.own(difference.minuend());
        this.subtrahend = own(backend, difference.subtrahend());
        this.target = own(backend, difference.destination());
        this.along = own(backend, difference.along());
    }

    private static @Nullable CpuTensor own(NativeBackend backend, @Nullable Tensor tensor) {
        return tensor == null ? null : backend.own(tensor);
    }

    /** Some elements of a difference. */
    private record Piece(int difference, DifferenceLoop loop, long from, long to) {}

    /**
     * Measures all of them.
     *
     * @param destination {@code [differences, 2]}
     */
    static void measure(NativeBackend backend, List<Difference> differences, CpuTensor destination) {
        long elements = differences.stream()
                .mapToLong(each -> each.minuend().shape().elements())
                .sum();
        List<Piece> pieces = pieces(backend, differences, elements);
        double[][] sums = new double[pieces.size()][2];
        int parts = backend.team().parts(elements * NANOSECONDS) == 1 ? 1 : pieces.size();
        backend.team().run(parts, pieces.size(), (part, from, to) -> {
            for (int i = (int) from; i < to; i++) {
                Piece piece = pieces.get(i);
                piece.loop.measure(piece.from, piece.to, sums[i]);
            }
        });
        double[] all = new double[2 * differences.size()];
        for (int i = 0; i < sums.length; i++) {
            all[2 * pieces.get(i).difference] += sums[i][0];
            all[2 * pieces.get(i).difference + 1] += sums[i][1];
        }
        destination.write(0, all, 0, all.length);
    }

    /** About as many elements as a part of all has, in whole chunks. */
    private static List<Piece> pieces(NativeBackend backend, List<Difference> differences, long elements) {
        int parts = backend.team().parts(elements * NANOSECONDS);
        long chunks = Math.max(1, elements / Scratch.CHUNK / parts);
        long length = parts == 1 ? Math.max(1, elements) : chunks * Scratch.CHUNK;
        List<Piece> pieces = new ArrayList<>();
        for (int i = 0; i < differences.size(); i++) {
            var loop = new DifferenceLoop(backend, differences.get(i));
            for (long from = 0; from < loop.minuend.elements; from += length) {
                pieces.add(new Piece(i, loop, from, Math.min(loop.minuend.elements, from + length)));
            }
        }
        return pieces;
    }

    private void measure(long from, long to, double[] sums) {
        if (minuend.isSingle()) {
            measureSingle(from, to, sums);
        } else {
            measureDouble(from, to, sums);
        }
    }

    private void measureDouble(long from, long to, double[] sums) {
        Scratch scratch = Scratch.get();
        double[] difference = scratch.a;
        for (long done = from; done < to; done += Scratch.CHUNK) {
            int count = (int) Math.min(Scratch.CHUNK, to - done);
            minuend.load(done, difference, count);
            if (subtrahend != null) {
                subtrahend.load(done, scratch.b, count);
                for (int i = 0; i < count; i++) {
                    difference[i] -= scratch.b[i];
                }
            }
            if (target != null) {
                target.store(done, difference, count);
            }
            sums[0] += SquareLoops.dot(difference, difference, count);
            if (along != null) {
                along.load(done, scratch.b, count);
                sums[1] += SquareLoops.dot(difference, scratch.b, count);
            }
        }
    }

    /** By pairs of single numbers where they are exact, else in double precision. */
    private void measureSingle(long from, long to, double[] sums) {
        PairedSums squares = PairedSums.ofThread();
        PairedSums products = PairedSums.secondOfThread();
        squares.clear();
        products.clear();
        boolean paired = to - from >= PairedSums.WORTH;
        Scratch scratch = Scratch.get();
        for (long done = from; done < to; done += Scratch.CHUNK) {
            int count = (int) Math.min(Scratch.CHUNK, to - done);
            subtract(done, count, scratch);
            if (target != null) {
                target.block.put(target.at(done), scratch.floats, 0, count);
            }
            if (paired) {
                squares.add(scratch.floats, scratch.floats, count);
            }
            if (paired && along != null) {
                along.block.get(along.at(done), scratch.moreFloats, 0, count);
                products.add(scratch.floats, scratch.moreFloats, count);
            }
        }
        OptionalDouble square = squares.total();
        OptionalDouble product = products.total();
        boolean exact = square.isPresent() && (along == null || product.isPresent());
        sums[0] = exact ? square.getAsDouble() : exactly(from, to, null);
        sums[1] = along == null ? 0 : exact ? product.getAsDouble() : exactly(from, to, along);
    }

    /** Makes a chunk of the difference. */
    private void subtract(long done, int count, Scratch scratch) {
        minuend.block.get(minuend.at(done), scratch.floats, 0, count);
        if (subtrahend != null) {
            subtrahend.block.get(subtrahend.at(done), scratch.moreFloats, 0, count);
            subtract(scratch.floats, scratch.moreFloats, count);
        }
    }

    private static void subtract(float[] minuend, float[] subtrahend, int count) {
        for (int i = 0; i < count; i++) {
            minuend[i] -= subtrahend[i];
        }
    }

    /** The inner product of the difference, which is made again unless it is there, with another tensor or itself. */
    private double exactly(long from, long to, @Nullable CpuTensor other) {
        Scratch scratch = Scratch.get();
        double sum = 0;
        for (long done = from; done < to; done += Scratch.CHUNK) {
            int count = (int) Math.min(Scratch.CHUNK, to - done);
            if (target == null) {
                subtract(done, count, scratch);
            } else {
                target.block.get(target.at(done), scratch.floats, 0, count);
            }
            if (other == null) {
                sum += SquareLoops.dot(scratch.floats, scratch.floats, count);
            } else {
                other.block.get(other.at(done), scratch.moreFloats, 0, count);
                sum += SquareLoops.dot(scratch.floats, scratch.moreFloats, count);
            }
        }
        return sum;
    }
}
