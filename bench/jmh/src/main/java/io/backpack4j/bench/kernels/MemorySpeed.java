// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.bench.kernels;

import java.util.stream.IntStream;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** The C library's memcpy of as many numbers as {@link Streaming} uses, on all processors. */
@State(Scope.Thread)
public class MemorySpeed {

    private static final int PARTS = Runtime.getRuntime().availableProcessors();
    private static final long NUMBERS = Streaming.SHAPE.elements() / PARTS;

    private FloatPointer from;
    private FloatPointer to;
    private Pointer[] sources;
    private Pointer[] targets;

    @Setup
    public void open() {
        from = OneDnn.normal(NUMBERS * PARTS);
        to = OneDnn.normal(NUMBERS * PARTS);
        sources = new Pointer[PARTS];
        targets = new Pointer[PARTS];
        for (int i = 0; i < PARTS; i++) {
            sources[i] = from.getPointer(i * NUMBERS);
            targets[i] = to.getPointer(i * NUMBERS);
        }
    }

    @Benchmark
    public void floor() {
        IntStream.range(0, PARTS)
                .parallel()
                .forEach(i -> Pointer.memcpy(targets[i], sources[i], NUMBERS * Float.BYTES));
    }

    /** What is read and written. */
    static double bytes() {
        return 2.0 * NUMBERS * PARTS * Float.BYTES;
    }
}
