// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import io.backpack4j.backend.cpu.loops.SquareLoops;
import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.backend.cpu.memory.Scratch;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;

/**
 * Inner products of single numbers at native addresses: oneDNN multiplies and adds up short pieces, whose sums are
 * added up in double precision. So little is added up in single precision that its rounding errors stay below the
 * result's own. Belongs to one thread.
 */
final class TileDots {

    /** The length of a piece; what is left over is shorter. */
    private static final int PIECE = 256;

    private final DnnlContext context;
    private final long elements;
    private final CpuTensor partial;

    /** @param scope outlives this */
    TileDots(NativeBackend backend, DnnlContext context, TensorScope scope, long elements) {
        this.context = context;
        this.elements = elements;
        this.partial = backend.singles(scope, Shape.of(Math.max(1, most())));
    }

    /** How many pieces are multiplied at a time. */
    private long most() {
        return Math.min(elements / PIECE, Scratch.CHUNK);
    }

    /** What it runs. */
    List<DnnlPrimitive> primitives() {
        long pieces = elements / PIECE;
        if (pieces == 0) {
            return List.of();
        }
        long last = pieces % most();
        return last == 0 ? List.of(primitive(most())) : List.of(primitive(most()), primitive(last));
    }

    /** The inner product of two runs of numbers. */
    double of(long a, long b) {
        long pieces = elements / PIECE;
        long rest = pieces * PIECE;
        return ofPieces(a, b, pieces) + ofRest(a + rest * Float.BYTES, b + rest * Float.BYTES, (int) (elements - rest));
    }

    private double ofPieces(long a, long b, long pieces) {
        double sum = 0;
        for (long done = 0; done < pieces; done += Scratch.CHUNK) {
            int count = (int) Math.min(Scratch.CHUNK, pieces - done);
            long offset = done * PIECE * Float.BYTES;
            primitive(count)
                    .at(0, a + offset)
                    .at(1, b + offset)
                    .at(2, partial.address())
                    .run(context);
            float[] sums = Scratch.get().floats;
            partial.block.get(partial.at(0), sums, 0, count);
            for (int i = 0; i < count; i++) {
                sum += sums[i];
            }
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
