// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.session;

import io.backpack4j.kernel.SessionState;
import io.backpack4j.kernel.internal.pass.PassPartials;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/** Entries per sample, in host memory, one array per batch. */
final class MergedSamples implements Merged {

    private static final String SAMPLES = "samples";

    /** Numbers of a state that stand in one array, unless a sample has more. */
    private static final long PART = 1 << 26;

    /** Numbers that are read at a time. */
    private static final int PIECE = 1 << 16;

    private final Backend backend;
    private final DType dtype;
    private final int axis;
    private final Shape empty;
    private final List<Part> parts = new ArrayList<>();

    /** How many samples stand before each part. */
    private final List<Long> begins = new ArrayList<>();

    private long samples;

    /** The numbers of a batch: {@code float[]} or {@code double[]}. */
    private record Part(Object array, long samples) {}

    /** Visitor of the runs of one array that make up all numbers. */
    private interface Runs {
        void accept(long position, Object array, int offset, int length);
    }

    private MergedSamples(Backend backend, DType dtype, int axis, Shape shape) {
        this.backend = backend;
        this.dtype = dtype;
        this.axis = axis;
        this.empty = shape.with(axis, 0);
    }

    static MergedSamples of(Backend backend, int axis, Tensor first) {
        MergedSamples merged = new MergedSamples(backend, first.dtype(), axis, first.shape());
        merged.append(first);
        return merged;
    }

    static MergedSamples of(Backend backend, int axis, StateReader state) {
        SessionState.Numbers numbers = state.numbers(SAMPLES);
        MergedSamples merged = new MergedSamples(backend, numbers.dtype(), axis, numbers.shape());
        merged.append(numbers);
        return merged;
    }

    @Override
    public Shape shape() {
        return empty;
    }

    @Override
    public void add(PassPartials.Value part) {
        append(part.tensors().get(0));
    }

    @Override
    public void add(Merged other) {
        MergedSamples added = (MergedSamples) other;
        added.parts.forEach(part -> append(part.array(), part.samples()));
    }

    private void append(Tensor tensor) {
        append(
                dtype == DType.FLOAT32 ? tensor.toFloatArray() : tensor.toDoubleArray(),
                tensor.shape().size(axis));
    }

    /** Some samples at a time: together they may have more numbers than an array. */
    private void append(SessionState.Numbers numbers) {
        long all = numbers.shape().size(axis);
        long perSample = empty.with(axis, 1).elements();
        long most = Math.max(1, PART / Math.max(1, perSample));
        for (long from = 0; from < all; from += most) {
            append(numbers, from, Math.min(all, from + most), all);
        }
    }

    private void append(SessionState.Numbers numbers, long from, long to, long all) {
        long outer = empty.elements(0, axis);
        long inner = empty.elements(axis + 1, empty.rank());
        int length = Math.toIntExact((to - from) * inner);
        int elements = Math.toIntExact(outer * length);
        float[] narrow = new float[dtype == DType.FLOAT32 ? elements : 0];
        double[] wide = new double[dtype == DType.FLOAT32 ? 0 : elements];
        double[] piece = new double[Math.min(PIECE, length)];
        for (int row = 0; row < outer; row++) {
            for (int done = 0; done < length; done += piece.length) {
                int count = Math.min(piece.length, length - done);
                numbers.read((row * all + from) * inner + done, piece, 0, count);
                for (int i = 0; i < count; i++) {
                    if (dtype == DType.FLOAT32) {
                        narrow[row * length + done + i] = (float) piece[i];
                    } else {
                        wide[row * length + done + i] = piece[i];
                    }
                }
            }
        }
        append(dtype == DType.FLOAT32 ? narrow : wide, to - from);
    }

    private void append(Object array, long count) {
        parts.add(new Part(array, count));
        begins.add(samples);
        samples += count;
    }

    /** Visits all numbers in row-major order: the axes before that of samples are the outer loop. */
    private void walk(Runs runs) {
        long outer = empty.elements(0, axis);
        long inner = empty.elements(axis + 1, empty.rank());
        long position = 0;
        for (long row = 0; row < outer; row++) {
            for (Part part : parts) {
                int length = (int) (part.samples() * inner);
                runs.accept(position, part.array(), (int) (row * length), length);
                position += length;
            }
        }
    }

    /** The sum of all numbers, in double precision. */
    double total() {
        LossTotal total = new LossTotal();
        walk((position, array, offset, length) -> {
            for (int i = offset; i < offset + length; i++) {
                total.add(array instanceof float[] narrow ? narrow[i] : ((double[]) array)[i]);
            }
        });
        return total.value();
    }

    /** A tensor of all samples in an order. */
    Tensor tensor(TensorScope scope, SampleOrder order) {
        Tensor result = scope.allocate(empty.with(axis, samples), dtype);
        OrderedWriter writer = new OrderedWriter(result);
        long outer = empty.elements(0, axis);
        long inner = empty.elements(axis + 1, empty.rank());
        for (long row = 0; row < outer; row++) {
            for (int run = 0; run < order.runs(); run++) {
                long end = order.starts()[run] + order.lengths()[run];
                for (long from = order.starts()[run]; from < end; ) {
                    int index = partOf(from);
                    Part part = parts.get(index);
                    long to = Math.min(end, begins.get(index) + part.samples());
                    long offset = (row * part.samples() + from - begins.get(index)) * inner;
                    writer.write(part.array(), (int) offset, (int) ((to - from) * inner));
                    from = to;
                }
            }
        }
        writer.flush();
        return result;
    }

    /** The part that has a sample. */
    private int partOf(long sample) {
        int found = Collections.binarySearch(begins, sample);
        return found >= 0 ? found : -found - 2;
    }

    /** Writes a tensor's elements from the first to the last. Short runs of them are gathered before. */
    private static final class OrderedWriter {

        private final Tensor target;
        private final boolean narrow;
        private final Object gathered;
        private int held;
        private long position;

        OrderedWriter(Tensor target) {
            this.target = target;
            this.narrow = target.dtype() == DType.FLOAT32;
            int most = (int) Math.min(PIECE, target.shape().elements());
            this.gathered = narrow ? new float[most] : new double[most];
        }

        void write(Object array, int offset, int length) {
            if (length > PIECE - held) {
                flush();
            }
            if (length >= PIECE) {
                put(array, offset, length);
            } else {
                System.arraycopy(array, offset, gathered, held, length);
                held += length;
            }
        }

        void flush() {
            put(gathered, 0, held);
            held = 0;
        }

        private void put(Object array, int offset, int length) {
            if (narrow) {
                target.write(position, (float[]) array, offset, length);
            } else {
                target.write(position, (double[]) array, offset, length);
            }
            position += length;
        }
    }

    /** Its tensor in an order, multiplied by a factor. */
    PassPartials.Value value(TensorScope scope, double factor, SampleOrder order) {
        Tensor result = tensor(scope, order);
        if (factor != 1) {
            backend.elementwise().affine(result, factor, 0, result);
        }
        return Merged.single(result);
    }

    @Override
    public PassPartials.Value value(TensorScope scope, double factor) {
        return value(scope, factor, SampleOrder.asAdded(samples));
    }

    @Override
    public Map<String, SessionState.Numbers> state() {
        SessionState.Numbers all = new SessionState.Numbers() {
            @Override
            public DType dtype() {
                return dtype;
            }

            @Override
            public Shape shape() {
                return empty.with(axis, samples);
            }

            @Override
            public void read(long from, double[] target, int offset, int count) {
                walk((position, array, start, length) -> {
                    long first = Math.max(from, position);
                    long end = Math.min(from + count, position + length);
                    for (long i = first; i < end; i++) {
                        int source = start + (int) (i - position);
                        target[offset + (int) (i - from)] =
                                array instanceof float[] narrow ? narrow[source] : ((double[]) array)[source];
                    }
                });
            }
        };
        return Map.of(SAMPLES, all);
    }
}
