// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import static org.bytedeco.dnnl.global.dnnl.dnnl_stream_create;
import static org.bytedeco.dnnl.global.dnnl.dnnl_stream_default_flags;
import static org.bytedeco.dnnl.global.dnnl.dnnl_stream_destroy;

import io.backpack4j.backend.cpu.loops.NativeThreads;
import io.backpack4j.backend.cpu.memory.Block;
import io.backpack4j.backend.cpu.memory.MemoryPool;
import io.backpack4j.backend.cpu.memory.Scratch;
import io.backpack4j.backend.cpu.memory.SizeClass;
import io.backpack4j.spi.backend.Precision;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.bytedeco.dnnl.dnnl_stream;
import org.jspecify.annotations.Nullable;

/**
 * One thread's stream and compiled primitives, the least recently used of which go when there are too many. Contexts of
 * parts are made and asked for primitives by that thread, too, but another may run them.
 */
final class DnnlContext implements AutoCloseable {

    /** The most primitives a thread keeps. */
    static final int LIMIT = 1024;

    private static final long FEWEST_ONES = 4096;

    /**
     * Work that takes less than this on one thread runs on one: waking the others and waiting for them takes a
     * microsecond, and far more when the processor has other work.
     */
    private static final double WORTH_SHARING = 8000;

    private final MemoryPool pool;
    private final int threads;
    private final dnnl_stream stream = new dnnl_stream();
    private final PrimitiveKey key = new PrimitiveKey();
    private final Block scalars;
    private @Nullable Block ones;
    private final List<DnnlContext> parts = new ArrayList<>();
    private Precision current = Precision.FULL;
    private long lent;
    private long lentBytes;
    private final Map<PrimitiveKey, DnnlPrimitive> primitives = new LinkedHashMap<>(64, 0.5f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<PrimitiveKey, DnnlPrimitive> eldest) {
            if (size() <= LIMIT) {
                return false;
            }
            eldest.getValue().close();
            return true;
        }
    };

    DnnlContext(MemoryPool pool, int threads) {
        this.pool = pool;
        this.threads = threads;
        this.scalars = pool.reserve(2L * SizeClass.ALIGNMENT);
        Dnnl.check(dnnl_stream_create(stream, Dnnl.ENGINE, dnnl_stream_default_flags), "create a stream");
    }

    MemoryPool pool() {
        return pool;
    }

    dnnl_stream stream() {
        return stream;
    }

    /** The address of one of two single numbers in memory, set to {@code value}. */
    long scalar(int which, double value) {
        scalars.putFloat(which * (long) SizeClass.ALIGNMENT, (float) value);
        return scalars.address + which * (long) SizeClass.ALIGNMENT;
    }

    /** The address of at least {@code count} ones. */
    long ones(long count) {
        Block current = ones;
        if (current == null || current.bytes < count * Float.BYTES) {
            if (current != null) {
                pool.unreserve(current);
            }
            current = pool.reserve(Math.max(count, FEWEST_ONES) * Float.BYTES);
            float[] values = new float[Scratch.CHUNK];
            Arrays.fill(values, 1);
            long all = current.bytes / Float.BYTES;
            for (long done = 0; done < all; done += values.length) {
                current.put(done * Float.BYTES, values, 0, (int) Math.min(values.length, all - done));
            }
            ones = current;
        }
        return current.address;
    }

    /** A key to fill and to hand to {@link #get}; valid until the next call. */
    PrimitiveKey key(DnnlKind kind) {
        return key.start(kind);
    }

    /**
     * The primitive of that key, compiled if it is not there.
     *
     * @param nanoseconds about how long it takes on one thread
     */
    DnnlPrimitive get(PrimitiveKey wanted, double nanoseconds, Supplier<DnnlPrimitive> recipe) {
        DnnlPrimitive known = primitives.get(wanted);
        if (known == null) {
            PrimitiveKey copy = wanted.copy();
            int share = nanoseconds < WORTH_SHARING ? 1 : threads;
            use(share);
            known = recipe.get().on(share);
            primitives.put(copy, known);
        }
        return known;
    }

    /** Does work in a precision. */
    <T> T in(Precision precision, Supplier<T> work) {
        Precision before = current;
        current = precision;
        try {
            return work.get();
        } finally {
            current = before;
        }
    }

    /** Whether products may round their operands. */
    boolean rounds() {
        return current == Precision.BF16_FAST;
    }

    /** Has OpenMP use that many threads for what follows on the thread that calls. */
    void use(int share) {
        NativeThreads.ofThisThread().use(share);
    }

    /** The context of one of the parts that a team's threads take: its primitives use the thread that runs them. */
    DnnlContext part(int number) {
        while (parts.size() <= number) {
            parts.add(new DnnlContext(pool, 1));
        }
        return parts.get(number);
    }

    /**
     * Lets primitives work in memory of whoever has the context run, whose accounts count it.
     *
     * @param bytes 0 to end that
     */
    void lend(long address, long bytes) {
        lent = address;
        lentBytes = bytes;
    }

    /** The address of so many bytes that were lent, or 0. */
    long lent(long bytes) {
        return bytes <= lentBytes ? lent : 0;
    }

    /** The number of compiled primitives. */
    int size() {
        return primitives.size();
    }

    @Override
    public void close() {
        parts.forEach(DnnlContext::close);
        primitives.values().forEach(DnnlPrimitive::close);
        primitives.clear();
        dnnl_stream_destroy(stream);
        pool.unreserve(scalars);
        Block last = ones;
        if (last != null) {
            pool.unreserve(last);
        }
    }
}
