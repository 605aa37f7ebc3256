// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.heap;

import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.ScopedTensor;
import io.backpack4j.spi.tensor.Shape;

/** A handle on neighbouring elements of a storage. */
final class HeapTensor extends ScopedTensor {

    private final HeapBackend owner;
    private final HeapStorage storage;
    private final int offset;

    HeapTensor(HeapBackend owner, HeapScope scope, HeapStorage storage, int offset, Shape shape, DType dtype) {
        super(scope, shape, dtype);
        this.owner = owner;
        this.storage = storage;
        this.offset = offset;
        storage.retain();
        owner.heap().opened(this);
    }

    @Override
    public void read(long from, double[] target, int position, int count) {
        requireRange(from, count);
        for (int i = 0; i < count; i++) {
            target[position + i] = get((int) from + i);
        }
    }

    @Override
    public void read(long from, float[] target, int position, int count) {
        requireRange(from, count);
        requireFloating(true, "read as floats");
        for (int i = 0; i < count; i++) {
            target[position + i] = (float) get((int) from + i);
        }
    }

    @Override
    public void read(long from, long[] target, int position, int count) {
        requireRange(from, count);
        requireFloating(false, "read as integers");
        for (int i = 0; i < count; i++) {
            target[position + i] = getInteger((int) from + i);
        }
    }

    @Override
    public void write(long from, double[] source, int position, int count) {
        requireRange(from, count);
        for (int i = 0; i < count; i++) {
            set((int) from + i, source[position + i]);
        }
    }

    @Override
    public void write(long from, float[] source, int position, int count) {
        requireRange(from, count);
        for (int i = 0; i < count; i++) {
            set((int) from + i, source[position + i]);
        }
    }

    @Override
    public void write(long from, long[] source, int position, int count) {
        requireRange(from, count);
        requireFloating(false, "written as integers");
        for (int i = 0; i < count; i++) {
            setInteger((int) from + i, source[position + i]);
        }
    }

    @Override
    protected void free() {
        storage.release();
        owner.heap().closed(this);
    }

    double get(int index) {
        return storage.real(offset + index);
    }

    void set(int index, double value) {
        storage.setReal(offset + index, value);
    }

    long getInteger(int index) {
        return storage.integer(offset + index);
    }

    void setInteger(int index, long value) {
        storage.setInteger(offset + index, value);
    }

    int size() {
        return (int) shape().elements();
    }

    /** A handle on some of these elements. */
    HeapTensor share(HeapScope user, int from, Shape part) {
        return new HeapTensor(owner, user, storage, offset + from, part, dtype());
    }

    /** Whether this and another handle have an element in common. */
    boolean overlaps(HeapTensor other) {
        return storage == other.storage && offset < other.offset + other.size() && other.offset < offset + size();
    }

    /** Whether this and another handle have the same elements at the same places. */
    boolean coincides(HeapTensor other) {
        return storage == other.storage && offset == other.offset && shape().equals(other.shape());
    }
}
