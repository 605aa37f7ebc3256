// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import java.nio.ByteBuffer;

/** Native methods of {@code bridge.cpp}; {@link HostCompiler} compiles and loads it. */
final class HostBridge {

    private HostBridge() {}

    static native long allocate(long bytes);

    static native boolean intact(long address, long bytes);

    static native void free(long address);

    static native void copy(long target, long source, long bytes);

    static native void clear(long target, long bytes);

    static native long addressOf(ByteBuffer buffer);

    static native long open(String file);

    static native void close(long library);

    static native long symbol(long library, String name);

    static native long call(long function);

    static native void run(long function, long[] words, int blocks, int threads, boolean backwards);

    static native void multiply(boolean single, long[] sizes, double alpha, double beta);

    static native void solve(boolean single, long rows, long columns, boolean transposed, long a, long b);
}
