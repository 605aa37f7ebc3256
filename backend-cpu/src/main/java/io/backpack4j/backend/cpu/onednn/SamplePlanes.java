// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.TensorScope;
import org.jspecify.annotations.Nullable;

/**
 * The planes of single samples, channels last: where they lie, or written a few at a time where a scatter is pending.
 */
final class SamplePlanes {

    /** Size of what is written at a time: it stays in the second cache until it has been read. */
    private static final long RUN_BYTES = 1 << 20;

    private final DnnlContext context;
    private final @Nullable PendingScatter pending;
    private final long address;
    private final long planeBytes;
    /** Where rounded planes are; 0 if they are not. */
    private final long rounded;

    private final long count;
    private final long first;

    /** Number of neighbours written at a time. */
    private final long run;

    private long written = -1;
    private long end = -1;

    private SamplePlanes(
            DnnlContext context,
            @Nullable PendingScatter pending,
            long address,
            long planeBytes,
            long rounded,
            long count,
            long first,
            long run) {
        this.context = context;
        this.rounded = rounded;
        this.pending = pending;
        this.address = address;
        this.planeBytes = planeBytes;
        this.count = count;
        this.first = first;
        this.run = run;
    }

    /**
     * Of {@code tensor}, {@code [B, C, *positions]}.
     *
     * @param scope owns what has to be made
     */
    static SamplePlanes of(
            NativeBackend backend,
            ChannelsLastPlanes planes,
            DnnlContext context,
            TensorScope scope,
            CpuTensor tensor,
            int axes) {
        long count = tensor.shape().size(0);
        long plane = tensor.elements / count * Float.BYTES;
        if (!(tensor.pendingPlanes(axes) instanceof PendingScatter pending)) {
            CpuTensor settled = backend.asItLies(tensor);
            long address = planes.read(context, scope, settled, axes);
            return new SamplePlanes(context, null, address, plane, 0, count, 0, count);
        }
        long run = divisor(Math.min(count, pending.samples()), Math.max(1, RUN_BYTES / plane));
        long memory =
                backend.singles(scope, Shape.of(run * plane / Float.BYTES)).address();
        return new SamplePlanes(context, pending, memory, plane, 0, count, tensor.offset / plane, run);
    }

    /**
     * The same, rounded, some neighbours at a time.
     *
     * @param samples a multiple or a divisor of the number of planes; the number of neighbours is a divisor of both
     */
    SamplePlanes rounded(NativeBackend backend, TensorScope scope, long samples) {
        long neighbours =
                pending == null ? divisor(Math.min(samples, count), Math.max(1, RUN_BYTES / planeBytes)) : run;
        long memory = backend.singles(scope, Shape.of(roundedFloats(neighbours, planeBytes)))
                .address();
        return new SamplePlanes(context, pending, address, planeBytes, memory, count, first, neighbours);
    }

    /** The same, written and rounded with another context. */
    SamplePlanes with(DnnlContext own) {
        return new SamplePlanes(own, pending, address, planeBytes, rounded, count, first, run);
    }

    /**
     * The same for another thread, which writes and rounds planes with its own context and into memory of its own.
     *
     * @param scope owns that
     */
    SamplePlanes apart(DnnlContext own, NativeBackend backend, TensorScope scope) {
        if (ready()) {
            return this;
        }
        long floats = run * planeBytes / Float.BYTES;
        long planes = pending == null
                ? address
                : backend.singles(scope, Shape.of(floats)).address();
        long roundedPlanes = rounded == 0
                ? 0
                : backend.singles(scope, Shape.of(roundedFloats(run, planeBytes)))
                        .address();
        return new SamplePlanes(own, pending, planes, planeBytes, roundedPlanes, count, first, run);
    }

    private static long roundedFloats(long planes, long planeBytes) {
        return (planes * planeBytes * Rounding.BYTES / Float.BYTES + Float.BYTES - 1) / Float.BYTES;
    }

    /** The largest divisor of {@code number} up to {@code limit}. */
    static long divisor(long number, long limit) {
        long divisor = Math.min(number, limit);
        while (number % divisor != 0) {
            divisor--;
        }
        return divisor;
    }

    /** Number of neighbours that lie behind each other, from a multiple of it on. */
    long run() {
        return run;
    }

    /** Whether all planes are in memory. */
    boolean written() {
        return pending == null;
    }

    /** Whether no plane has to be written, or rounded, before it is used. */
    boolean ready() {
        return written() && rounded == 0;
    }

    /** The bytes of a plane before it is rounded. */
    long planeBytes() {
        return planeBytes;
    }

    /** The address of plane {@code b} modulo their number, valid until the next call. */
    long at(long b) {
        long wanted = b % count;
        if (pending == null && rounded == 0) {
            return address + wanted * planeBytes;
        }
        if (wanted < written || wanted >= end) {
            written = wanted - wanted % run;
            end = written + run;
            prepare();
        }
        long plane = wanted - written;
        return rounded == 0
                ? address + plane * planeBytes
                : rounded + plane * planeBytes / Float.BYTES * Rounding.BYTES;
    }

    private void prepare() {
        long from = address;
        if (pending != null) {
            pending.write(context, first + written, run, address);
        } else {
            from += written * planeBytes;
        }
        if (rounded != 0) {
            Rounding.round(context, from, run * planeBytes / Float.BYTES, rounded);
        }
    }
}
