// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.backend.cpu.memory.Address;
import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.backend.cpu.memory.Scratch;
import io.backpack4j.spi.backend.Activation;
import io.backpack4j.spi.backend.AdamStep;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.backend.MomentumStep;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.Pointer;

/**
 * Element-wise operations as loops over chunks, in double precision whatever the type. Loops over elements have methods
 * of their own, here and elsewhere: the JVM compiles what runs often, and the less of it the sooner.
 */
final class HostElementwise implements Elementwise {

    private static final long FILL_BYTES = 1 << 18;

    /** What an element of a piecewise linear activation takes, in nanoseconds, reading and writing included. */
    private static final double LINEAR_PIECE = 1;

    /** The same of other activations. */
    private static final double CURVED = 4;

    private final NativeBackend backend;
    private final Nd4jTransforms large = new Nd4jTransforms();

    HostElementwise(NativeBackend backend) {
        this.backend = backend;
    }

    @Override
    public Backend backend() {
        return backend;
    }

    @Override
    public void fill(Tensor destination, double value) {
        CpuTensor target = backend.asItLies(destination);
        if (target.coversBlock()) {
            target.block.arrangement = null;
        } else {
            backend.makeRowMajor(target.block);
        }
        long bytes = target.elements * target.dtype().bytes();
        if (Double.doubleToRawLongBits(value) == 0 && bytes > 0) {
            Pointer.memset(Scratch.get().to.at(target.address()), 0, bytes);
            return;
        }
        Scratch scratch = Scratch.get();
        double[] values = scratch.a;
        int first = chunk(target.elements, 0);
        Arrays.fill(values, 0, first, value);
        target.write(0, values, 0, first);
        // what is filled is copied behind itself, up to a piece that stays in the cache
        Address from = scratch.from.at(target.address());
        for (long done = first * (long) target.dtype().bytes(); done < bytes; ) {
            long length = Math.min(Math.min(done, FILL_BYTES), bytes - done);
            Pointer.memcpy(scratch.to.at(target.address() + done), from, length);
            done += length;
        }
    }

    @Override
    public void copy(Tensor source, Tensor destination) {
        CpuTensor from = backend.asItLies(source);
        CpuTensor to = backend.asItLies(destination);
        if (from.elements == 0) {
            return;
        }
        if (from.dtype() == to.dtype()) {
            backend.align(to, List.of(from));
            long bytes = from.elements * from.dtype().bytes();
            if (from.address() != to.address()) {
                Scratch scratch = Scratch.get();
                Pointer.memcpy(scratch.to.at(to.address()), scratch.from.at(from.address()), bytes);
            }
            return;
        }
        double[] values = Scratch.get().a;
        for (long at = 0; at < from.elements; at += values.length) {
            int count = chunk(from.elements, at);
            from.read(at, values, 0, count);
            to.write(at, values, 0, count);
        }
    }

    @Override
    public void apply(UnaryOperation operation, Tensor x, Tensor destination) {
        CpuTensor from = backend.asItLies(x);
        CpuTensor to = backend.asItLies(destination);
        backend.align(to, List.of(from));
        if (operation == UnaryOperation.SIGN && from.isSingle() && to.isSingle()) {
            UnaryLoops.sign(from, to);
            return;
        }
        if (large.apply(operation, from, to)) {
            return;
        }
        double[] values = Scratch.get().a;
        for (long at = 0; at < from.elements; at += values.length) {
            int count = chunk(from.elements, at);
            from.load(at, values, count);
            UnaryLoops.apply(operation, values, count);
            to.store(at, values, count);
        }
    }

    @Override
    public void affine(Tensor x, double scale, double offset, Tensor destination) {
        CpuTensor from = backend.asItLies(x);
        CpuTensor to = backend.asItLies(destination);
        backend.align(to, List.of(from));
        double[] values = Scratch.get().a;
        for (long at = 0; at < from.elements; at += values.length) {
            int count = chunk(from.elements, at);
            from.load(at, values, count);
            affine(values, scale, offset, count);
            to.store(at, values, count);
        }
    }

    private static void affine(double[] values, double scale, double offset, int count) {
        for (int i = 0; i < count; i++) {
            values[i] = scale * values[i] + offset;
        }
    }

    @Override
    public void addScaled(double alpha, Tensor x, Tensor destination) {
        addScaled(alpha, x, 1, destination);
    }

    @Override
    public void addScaled(double alpha, Tensor x, double beta, Tensor destination) {
        CpuTensor from = backend.asItLies(x);
        CpuTensor to = backend.asItLies(destination);
        backend.align(to, List.of(from, to));
        Scratch scratch = Scratch.get();
        double[] values = scratch.a;
        double[] sums = scratch.b;
        for (long at = 0; at < from.elements; at += values.length) {
            int count = chunk(from.elements, at);
            from.load(at, values, count);
            to.load(at, sums, count);
            addScaled(alpha, values, beta, sums, count);
            to.store(at, sums, count);
        }
    }

    private static void addScaled(double alpha, double[] values, double beta, double[] sums, int count) {
        for (int i = 0; i < count; i++) {
            sums[i] = beta * sums[i] + alpha * values[i];
        }
    }

    @Override
    public void momentum(Tensor gradient, Tensor buffer, Tensor value, MomentumStep step) {
        CpuTensor from = backend.asItLies(gradient);
        CpuTensor kept = backend.asItLies(buffer);
        CpuTensor to = backend.asItLies(value);
        backend.align(to, List.of(from, kept, to));
        MomentumLoop.run(backend.team(), from, kept, to, step);
    }

    @Override
    public void adam(Tensor gradient, Tensor mean, Tensor square, Tensor value, AdamStep step) {
        CpuTensor from = backend.asItLies(gradient);
        CpuTensor first = backend.asItLies(mean);
        CpuTensor second = backend.asItLies(square);
        CpuTensor to = backend.asItLies(value);
        backend.align(to, List.of(from, first, second, to));
        AdamLoop.run(backend.team(), from, first, second, to, step);
    }

    @Override
    public void activation(Activation activation, int order, Tensor x, Tensor destination) {
        CpuTensor from = backend.asItLies(x);
        CpuTensor to = backend.asItLies(destination);
        backend.align(to, List.of(from));
        backend.team().forAll(from.elements, Scratch.CHUNK, nanoseconds(activation), (first, end) -> {
            double[] values = Scratch.get().a;
            for (long at = first; at < end; at += values.length) {
                int count = chunk(end, at);
                from.load(at, values, count);
                ActivationLoops.apply(activation, order, values, count);
                to.store(at, values, count);
            }
        });
    }

    private static double nanoseconds(Activation activation) {
        return activation.isPiecewiseLinear() ? LINEAR_PIECE : CURVED;
    }

    @Override
    public void activationPullback(Activation activation, Tensor saved, Tensor cotangents, Tensor destination) {
        CpuTensor from = backend.asItLies(saved);
        CpuTensor signal = backend.asItLies(cotangents);
        CpuTensor to = backend.asItLies(destination);
        backend.align(to, List.of(from, signal));
        double columns = from.elements == 0 ? 0 : (double) signal.elements / from.elements;
        double nanoseconds = nanoseconds(activation) + columns * LINEAR_PIECE;
        backend.team().forAll(from.elements, Scratch.CHUNK, nanoseconds, (first, end) -> {
            double[] derivatives = Scratch.get().a;
            double[] values = Scratch.get().b;
            for (long at = first; at < end; at += derivatives.length) {
                int count = chunk(end, at);
                from.load(at, derivatives, count);
                ActivationLoops.derivativeFromSaved(activation, derivatives, count);
                for (long column = at; column < signal.elements; column += from.elements) {
                    signal.load(column, values, count);
                    BinaryLoops.apply(BinaryOperation.MULTIPLY, values, derivatives, count);
                    to.store(column, values, count);
                }
            }
        });
    }

    @Override
    public void combine(BinaryOperation operation, Tensor a, Tensor b, Tensor destination) {
        CpuTensor left = backend.asItLies(a);
        CpuTensor right = backend.asItLies(b);
        CpuTensor to = backend.asItLies(destination);
        if (left.elements == to.elements && right.elements == to.elements) {
            backend.align(to, List.of(left, right));
            if (!large.combine(operation, left, right, to)) {
                combineAlike(operation, left, right, to);
            }
        } else if (to.elements > 0) {
            backend.makeRowMajor(left.block);
            backend.makeRowMajor(right.block);
            backend.makeRowMajor(to.block);
            combineStretched(operation, left, right, to);
        }
    }

    private static void combineAlike(BinaryOperation operation, CpuTensor left, CpuTensor right, CpuTensor to) {
        Scratch scratch = Scratch.get();
        for (long at = 0; at < to.elements; at += Scratch.CHUNK) {
            int count = chunk(to.elements, at);
            left.load(at, scratch.a, count);
            right.load(at, scratch.b, count);
            BinaryLoops.apply(operation, scratch.a, scratch.b, count);
            to.store(at, scratch.a, count);
        }
    }

    /** Walks over the last two axes in tiles of up to a chunk, and over the others one by one. */
    private static void combineStretched(BinaryOperation operation, CpuTensor left, CpuTensor right, CpuTensor to) {
        Broadcast plan = Broadcast.of(left.shape(), right.shape(), to.shape());
        int outer = plan.sizes().length - 2;
        long rows = plan.sizes()[outer];
        long columns = plan.sizes()[outer + 1];
        int width = (int) Math.min(columns, Scratch.CHUNK);
        int height = (int) Math.min(rows, Scratch.CHUNK / width);
        Scratch scratch = Scratch.get();
        var odometer = new Odometer(plan.sizes(), outer, plan.stridesA(), plan.stridesB());
        long target = 0;
        do {
            for (long row = 0; row < rows; row += height) {
                int tileRows = (int) Math.min(height, rows - row);
                for (long column = 0; column < columns; column += width) {
                    int tileColumns = (int) Math.min(width, columns - column);
                    loadTile(left, odometer.first(), plan.stridesA(), row, column, tileRows, tileColumns, scratch.a);
                    loadTile(right, odometer.second(), plan.stridesB(), row, column, tileRows, tileColumns, scratch.b);
                    BinaryLoops.apply(operation, scratch.a, scratch.b, tileRows * tileColumns);
                    to.store(target + row * columns + column, scratch.a, tileRows * tileColumns);
                }
            }
            target += rows * columns;
        } while (odometer.advance());
    }

    private static void loadTile(
            CpuTensor source, long base, long[] strides, long row, long column, int rows, int columns, double[] tile) {
        long rowStride = strides[strides.length - 2];
        long columnStride = strides[strides.length - 1];
        long from = base + row * rowStride + column * columnStride;
        int count = rows * columns;
        if (columnStride == 1 && (rows == 1 || rowStride == columns)) {
            source.load(from, tile, count);
        } else if (columnStride == 1) {
            source.load(from, tile, columns);
            for (int i = 1; i < rows; i++) {
                if (rowStride == 0) {
                    System.arraycopy(tile, 0, tile, i * columns, columns);
                } else {
                    double[] line = Scratch.get().c;
                    source.load(from + i * rowStride, line, columns);
                    System.arraycopy(line, 0, tile, i * columns, columns);
                }
            }
        } else {
            // every element of a column is the same
            double[] firsts = Scratch.get().c;
            if (rowStride == 1) {
                source.load(from, firsts, rows);
            } else {
                for (int i = 0; i < rows; i++) {
                    firsts[i] = source.dtype() == DType.FLOAT64
                            ? source.block.getDouble(source.at(from + i * rowStride))
                            : source.block.getFloat(source.at(from + i * rowStride));
                }
            }
            for (int i = 0; i < rows; i++) {
                Arrays.fill(tile, i * columns, (i + 1) * columns, firsts[i]);
            }
        }
    }

    private static int chunk(long elements, long from) {
        return (int) Math.min(Scratch.CHUNK, elements - from);
    }
}
