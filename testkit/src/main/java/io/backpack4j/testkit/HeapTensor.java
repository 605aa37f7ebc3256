package io.backpack4j.testkit;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;

/** A handle on neighbouring elements of a storage. */
final class HeapTensor implements Tensor {

    private final HeapBackend owner;
    private final HeapStorage storage;
    private final int offset;
    private final Shape shape;
    private final DType dtype;
    private HeapScope scope;
    private boolean closed;

    HeapTensor(HeapBackend owner, HeapScope scope, HeapStorage storage, int offset, Shape shape, DType dtype) {
        this.owner = owner;
        this.scope = scope;
        this.storage = storage;
        this.offset = offset;
        this.shape = shape;
        this.dtype = dtype;
        storage.retain();
        owner.heap().opened(this);
    }

    @Override
    public Shape shape() {
        return shape;
    }

    @Override
    public DType dtype() {
        return dtype;
    }

    @Override
    public String backend() {
        return owner.id();
    }

    @Override
    public boolean isClosed() {
        return closed;
    }

    @Override
    public void read(long from, double[] target, int position, int count) {
        checkRange(from, count);
        for (int i = 0; i < count; i++) {
            target[position + i] = get((int) from + i);
        }
    }

    @Override
    public void read(long from, float[] target, int position, int count) {
        checkRange(from, count);
        requireFloating(true, "read as floats");
        for (int i = 0; i < count; i++) {
            target[position + i] = (float) get((int) from + i);
        }
    }

    @Override
    public void read(long from, long[] target, int position, int count) {
        checkRange(from, count);
        requireFloating(false, "read as integers");
        for (int i = 0; i < count; i++) {
            target[position + i] = getInteger((int) from + i);
        }
    }

    @Override
    public void write(long from, double[] source, int position, int count) {
        checkRange(from, count);
        for (int i = 0; i < count; i++) {
            set((int) from + i, source[position + i]);
        }
    }

    @Override
    public void write(long from, float[] source, int position, int count) {
        checkRange(from, count);
        for (int i = 0; i < count; i++) {
            set((int) from + i, source[position + i]);
        }
    }

    @Override
    public void write(long from, long[] source, int position, int count) {
        checkRange(from, count);
        requireFloating(false, "written as integers");
        for (int i = 0; i < count; i++) {
            setInteger((int) from + i, source[position + i]);
        }
    }

    @Override
    public void close() {
        if (!closed) {
            scope.forget(this);
            release();
        }
    }

    @Override
    public String toString() {
        return dtype + " " + shape + (closed ? " (closed)" : "");
    }

    /** Closes this handle without telling its scope. */
    void release() {
        if (!closed) {
            closed = true;
            storage.release();
            owner.heap().closed(this);
        }
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
        return (int) shape.elements();
    }

    /** A handle on some of these elements. */
    HeapTensor share(HeapScope user, int from, Shape part) {
        return new HeapTensor(owner, user, storage, offset + from, part, dtype);
    }

    HeapScope scope() {
        return scope;
    }

    void moveTo(HeapScope other) {
        scope = other;
    }

    boolean isKeptBy(HeapBackend backend) {
        return owner == backend;
    }

    /** Whether this and another handle have an element in common. */
    boolean overlaps(HeapTensor other) {
        return storage == other.storage && offset < other.offset + other.size() && other.offset < offset + size();
    }

    /** Whether this and another handle have the same elements at the same places. */
    boolean coincides(HeapTensor other) {
        return storage == other.storage && offset == other.offset && shape.equals(other.shape);
    }

    void requireOpen() {
        if (closed) {
            throw new BackpackException(
                    "ClosedTensor", "A tensor of shape %s was used after it was closed.".formatted(shape));
        }
        owner.requireOpen();
    }

    private void checkRange(long from, int count) {
        requireOpen();
        if (from < 0 || count < 0 || from + count > shape.elements()) {
            throw new BackpackException(
                    "RangeOutOfBounds",
                    "Elements %d to %d (exclusive) were asked of a tensor of shape %s."
                            .formatted(from, from + count, shape));
        }
    }

    private void requireFloating(boolean floating, String use) {
        if (dtype.isFloating() != floating) {
            throw new BackpackException("WrongType", "A tensor of type %s cannot be %s.".formatted(dtype, use));
        }
    }
}
