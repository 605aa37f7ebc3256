// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.backend.cpu.memory.Address;
import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.Scratch;
import java.util.Arrays;
import org.bytedeco.javacpp.Pointer;

/**
 * Copies a box of elements from one set of strides to another; neighbours that both step through alike are one axis.
 */
final class StridedCopy {

    /** Runs of at least so many bytes are copied natively, shorter ones element by element. */
    private static final long RUN_BYTES = 64;

    private final long[] sizes;
    private final long[] from;
    private final long[] to;

    private StridedCopy(long[] sizes, long[] from, long[] to) {
        this.sizes = sizes;
        this.from = from;
        this.to = to;
    }

    /** Strides count elements. */
    static StridedCopy of(long[] sizes, long[] from, long[] to) {
        int rank = sizes.length;
        long[] joined = new long[rank + 1];
        long[] joinedFrom = new long[rank + 1];
        long[] joinedTo = new long[rank + 1];
        int last = rank + 1;
        for (int axis = rank - 1; axis >= 0; axis--) {
            if (sizes[axis] == 1) {
                continue;
            }
            if (last <= rank
                    && from[axis] == joinedFrom[last] * joined[last]
                    && to[axis] == joinedTo[last] * joined[last]) {
                joined[last] *= sizes[axis];
            } else {
                last--;
                joined[last] = sizes[axis];
                joinedFrom[last] = from[axis];
                joinedTo[last] = to[axis];
            }
        }
        if (last > rank) {
            last--;
            joined[last] = 1;
            joinedFrom[last] = 1;
            joinedTo[last] = 1;
        }
        return new StridedCopy(
                Arrays.copyOfRange(joined, last, rank + 1),
                Arrays.copyOfRange(joinedFrom, last, rank + 1),
                Arrays.copyOfRange(joinedTo, last, rank + 1));
    }

    /** Copies between tensors of one type, from elements {@code sourceStart} and {@code targetStart} on. */
    void run(CpuTensor source, long sourceStart, CpuTensor target, long targetStart) {
        if (Arrays.stream(sizes).anyMatch(size -> size == 0)) {
            return;
        }
        int inner = sizes.length - 1;
        int bytes = source.dtype().bytes();
        var odometer = new Odometer(sizes, inner, from, to);
        if (from[inner] == 1 && to[inner] == 1 && sizes[inner] * bytes >= RUN_BYTES) {
            Address input = Scratch.get().from;
            Address output = Scratch.get().to;
            long base = source.address() + sourceStart * bytes;
            long targetBase = target.address() + targetStart * bytes;
            do {
                Pointer.memcpy(
                        output.at(targetBase + odometer.second() * bytes),
                        input.at(base + odometer.first() * bytes),
                        sizes[inner] * bytes);
            } while (odometer.advance());
            return;
        }
        do {
            long read = sourceStart + odometer.first();
            long write = targetStart + odometer.second();
            if (bytes == Long.BYTES) {
                copyLongs(source, read, target, write);
            } else {
                copyInts(source, read, target, write);
            }
        } while (odometer.advance());
    }

    private void copyLongs(CpuTensor source, long read, CpuTensor target, long write) {
        int inner = sizes.length - 1;
        for (long i = 0; i < sizes[inner]; i++) {
            target.block.putLong(
                    target.at(write + i * to[inner]), source.block.getLong(source.at(read + i * from[inner])));
        }
    }

    private void copyInts(CpuTensor source, long read, CpuTensor target, long write) {
        int inner = sizes.length - 1;
        for (long i = 0; i < sizes[inner]; i++) {
            target.block.putInt(
                    target.at(write + i * to[inner]), source.block.getInt(source.at(read + i * from[inner])));
        }
    }
}
