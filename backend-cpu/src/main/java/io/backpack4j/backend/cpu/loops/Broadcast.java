// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.spi.tensor.Shape;
import java.util.Arrays;

/**
 * Steps by which two operands stretch to one shape, with as few axes as possible: neighbours that both operands step
 * through alike are one. Always at least two axes; strides count elements, and 0 stretches.
 */
public record Broadcast(long[] sizes, long[] stridesA, long[] stridesB) {

    public static Broadcast of(Shape a, Shape b, Shape destination) {
        int rank = destination.rank();
        long[] sizes = new long[rank + 2];
        long[] stridesA = new long[rank + 2];
        long[] stridesB = new long[rank + 2];
        int last = rank + 2;
        long stepA = 1;
        long stepB = 1;
        for (int axis = rank - 1; axis >= 0; axis--) {
            long size = destination.size(axis);
            long sizeA = size(a, axis - rank);
            long sizeB = size(b, axis - rank);
            if (size == 1) {
                continue;
            }
            long strideA = sizeA == 1 ? 0 : stepA;
            long strideB = sizeB == 1 ? 0 : stepB;
            stepA *= sizeA;
            stepB *= sizeB;
            if (last < rank + 2 && strideA == stridesA[last] * sizes[last] && strideB == stridesB[last] * sizes[last]) {
                sizes[last] *= size;
            } else {
                last--;
                sizes[last] = size;
                stridesA[last] = strideA;
                stridesB[last] = strideB;
            }
        }
        while (last > rank) {
            last--;
            sizes[last] = 1;
        }
        return new Broadcast(tail(sizes, last), tail(stridesA, last), tail(stridesB, last));
    }

    /** The sizes of an operand with such strides: ones where it stretches. */
    public long[] kept(long[] strides) {
        long[] kept = sizes.clone();
        for (int axis = 0; axis < kept.length; axis++) {
            kept[axis] = strides[axis] == 0 ? 1 : sizes[axis];
        }
        return kept;
    }

    private static long size(Shape shape, int fromEnd) {
        return -fromEnd > shape.rank() ? 1 : shape.size(fromEnd);
    }

    private static long[] tail(long[] values, int from) {
        return Arrays.copyOfRange(values, from, values.length);
    }
}
