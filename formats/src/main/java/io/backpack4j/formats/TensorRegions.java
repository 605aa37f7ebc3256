// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import io.backpack4j.spi.tensor.Shape;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * Regions of a file that hold the elements of tensors, little-endian and row-major, filled in any order. Belongs to one
 * thread.
 */
final class TensorRegions {

    private static final int CHUNK_BYTES = 1 << 16;

    private record Region(SafetensorsType type, Shape shape, long position, Coverage written) {}

    private final ReplacementFile file;
    private final Watcher watcher;
    private final Map<String, Region> regions = new LinkedHashMap<>();
    private final ByteBuffer chunk = ByteBuffer.allocate(CHUNK_BYTES).order(ByteOrder.LITTLE_ENDIAN);

    /** Sees what is written. */
    interface Watcher {
        /**
         * Takes bytes, which it may consume.
         *
         * @param at where they stand in the tensor's region
         */
        void written(String name, long at, ByteBuffer bytes);
    }

    TensorRegions(ReplacementFile file, Watcher watcher) {
        this.file = file;
        this.watcher = watcher;
    }

    /** Adds a region that begins at a byte of the file. */
    void add(String name, SafetensorsType type, Shape shape, long position) {
        regions.put(name, new Region(type, shape, position, new Coverage()));
    }

    void write(String name, long from, double[] source, int offset, int count) {
        Region region = region(name, true);
        boolean wide = region.type() == SafetensorsType.F64;
        writeChunks(name, region, from, source.length, offset, count, i -> {
            if (wide) {
                chunk.putDouble(source[i]);
            } else {
                chunk.putFloat((float) source[i]);
            }
        });
    }

    void write(String name, long from, float[] source, int offset, int count) {
        Region region = region(name, true);
        boolean wide = region.type() == SafetensorsType.F64;
        writeChunks(name, region, from, source.length, offset, count, i -> {
            if (wide) {
                chunk.putDouble(source[i]);
            } else {
                chunk.putFloat(source[i]);
            }
        });
    }

    void write(String name, long from, long[] source, int offset, int count) {
        writeChunks(name, region(name, false), from, source.length, offset, count, i -> chunk.putLong(source[i]));
    }

    /**
     * Requires every element to be written.
     *
     * @throws IllegalStateException if some are missing
     */
    void requireComplete() {
        regions.forEach((name, region) -> {
            if (region.written().elements() != region.shape().elements()) {
                throw new IllegalStateException("Tensor '%s' of shape %s has only %d elements written"
                        .formatted(name, region.shape(), region.written().elements()));
            }
        });
    }

    private Region region(String name, boolean floating) {
        Region region = regions.get(name);
        if (region == null) {
            throw new IllegalArgumentException("Tensor '%s' was not declared".formatted(name));
        }
        if (region.type().isFloating() != floating) {
            throw new IllegalArgumentException("Tensor '%s' was declared as %s".formatted(name, region.type()));
        }
        return region;
    }

    private interface ElementWriter {
        void put(int index);
    }

    private void writeChunks(
            String name, Region region, long from, int length, int offset, int count, ElementWriter writer) {
        Objects.checkFromIndexSize(offset, count, length);
        Objects.checkFromIndexSize(from, count, region.shape().elements());
        int bytes = region.type().bytes();
        long at = from * bytes;
        for (int done = 0; done < count; ) {
            int elements = Math.min(CHUNK_BYTES / bytes, count - done);
            chunk.clear();
            for (int i = 0; i < elements; i++) {
                writer.put(offset + done + i);
            }
            chunk.flip();
            file.write(region.position() + at, chunk);
            watcher.written(name, at, chunk.rewind());
            at += (long) elements * bytes;
            done += elements;
        }
        region.written().add(from, from + count);
    }
}
