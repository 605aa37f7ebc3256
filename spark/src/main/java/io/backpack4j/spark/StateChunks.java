// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spark;

import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.SequenceInputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Enumeration;
import java.util.Iterator;
import java.util.List;

/** Takes a state in chunks, so that it may be larger than an array. */
final class StateChunks extends OutputStream {

    private static final int CHUNK = 4 << 20;

    private final List<byte[]> full = new ArrayList<>();
    private byte[] chunk = new byte[CHUNK];
    private int filled;

    @Override
    public void write(int value) {
        write(new byte[] {(byte) value}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
        int from = offset;
        int left = length;
        while (left > 0) {
            if (filled == CHUNK) {
                full.add(chunk);
                chunk = new byte[CHUNK];
                filled = 0;
            }
            int count = Math.min(left, CHUNK - filled);
            System.arraycopy(bytes, from, chunk, filled, count);
            filled += count;
            from += count;
            left -= count;
        }
    }

    /** All that was written. */
    List<byte[]> all() {
        List<byte[]> all = new ArrayList<>(full);
        all.add(Arrays.copyOf(chunk, filled));
        return all;
    }

    /** Stream of what chunks hold, which are taken as they are read. */
    static InputStream stream(Iterator<byte[]> chunks) {
        return new SequenceInputStream(new Enumeration<ByteArrayInputStream>() {
            @Override
            public boolean hasMoreElements() {
                return chunks.hasNext();
            }

            @Override
            public ByteArrayInputStream nextElement() {
                return new ByteArrayInputStream(chunks.next());
            }
        });
    }
}
