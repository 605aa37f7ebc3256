// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import io.backpack4j.backend.cpu.loops.SquareLoops;
import io.backpack4j.backend.cpu.memory.Block;
import io.backpack4j.backend.cpu.memory.Scratch;

/**
 * Inner products of single numbers at native addresses: oneDNN multiplies and adds up short pieces, whose sums are
 * added up in double precision. So little is added up in single precision that its rounding errors stay below the
 * result's own.
 */
final class TileDots {

    /** The length of a piece; what is left over is shorter. */
    private static final int PIECE = 256;

    private final DnnlContext context;
    private final long elements;

    TileDots(DnnlContext context, long elements) {
        this.context = context;
        this.elements = elements;
    }

    boolean usable() {
        long pieces = elements / PIECE;
        long most = Math.min(pieces, Scratch.CHUNK);
        return pieces == 0
                || (primitive(most).usable()
                        && (pieces % most == 0 || primitive(pieces % most).usable()));
    }

    /** The inner product of two runs of numbers. */
    double of(long a, long b) {
        long pieces = elements / PIECE;
        long rest = pieces * PIECE;
        return ofPieces(a, b, pieces) + ofRest(a + rest * Float.BYTES, b + rest * Float.BYTES, (int) (elements - rest));
    }

    private double ofPieces(long a, long b, long pieces) {
        if (pieces == 0) {
            return 0;
        }
        double sum = 0;
        Block partial = context.pool().allocate(Math.min(pieces, Scratch.CHUNK) * Float.BYTES);
        try {
            for (long done = 0; done < pieces; done += Scratch.CHUNK) {
                int count = (int) Math.min(Scratch.CHUNK, pieces - done);
                long offset = done * PIECE * Float.BYTES;
                primitive(count)
                        .at(0, a + offset)
                        .at(1, b + offset)
                        .at(2, partial.address)
                        .run(context);
                float[] sums = Scratch.get().floats;
                partial.get(0, sums, 0, count);
                for (int i = 0; i < count; i++) {
                    sum += sums[i];
                }
            }
        } finally {
            context.pool().release(partial);
        }
        return sum;
    }

    private static double ofRest(long a, long b, int count) {
        if (count == 0) {
            return 0;
        }
        Scratch scratch = Scratch.get();
        scratch.floatAddress.at(a).get(scratch.floats, 0, count);
        scratch.floatAddress.at(b).get(scratch.moreFloats, 0, count);
        return SquareLoops.dot(scratch.floats, scratch.moreFloats, count);
    }

    private DnnlPrimitive primitive(long pieces) {
        PrimitiveKey key = context.key(DnnlKind.DOTS).add(pieces).add(PIECE);
        return context.get(key, 2 * Cost.elements(pieces * PIECE), () -> DnnlRecipes.dots(pieces, PIECE));
    }
}
