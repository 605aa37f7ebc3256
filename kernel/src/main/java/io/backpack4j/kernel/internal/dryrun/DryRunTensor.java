// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.dryrun;

import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.ScopedTensor;
import io.backpack4j.spi.tensor.Shape;
import java.util.Arrays;

/** A shape with an owner. Reads give zeros. */
final class DryRunTensor extends ScopedTensor {

    /** Memory that handles share. */
    static final class Storage {

        private final ByteCounter counter;
        private final long bytes;
        private int handles;

        Storage(ByteCounter counter, long bytes) {
            this.counter = counter;
            this.bytes = bytes;
            counter.add(bytes);
        }

        private void release() {
            handles--;
            if (handles == 0) {
                counter.remove(bytes);
            }
        }
    }

    private final Storage storage;

    DryRunTensor(DryRunScope scope, Storage storage, Shape shape, DType dtype) {
        super(scope, shape, dtype);
        this.storage = storage;
        storage.handles++;
    }

    Storage storage() {
        return storage;
    }

    @Override
    protected void free() {
        storage.release();
    }

    @Override
    public void read(long from, double[] target, int offset, int count) {
        requireRange(from, count);
        Arrays.fill(target, offset, offset + count, 0);
    }

    @Override
    public void read(long from, float[] target, int offset, int count) {
        requireRange(from, count);
        Arrays.fill(target, offset, offset + count, 0);
    }

    @Override
    public void read(long from, long[] target, int offset, int count) {
        requireRange(from, count);
        Arrays.fill(target, offset, offset + count, 0);
    }

    @Override
    public void write(long from, double[] source, int offset, int count) {
        requireRange(from, count);
    }

    @Override
    public void write(long from, float[] source, int offset, int count) {
        requireRange(from, count);
    }

    @Override
    public void write(long from, long[] source, int offset, int count) {
        requireRange(from, count);
    }
}
