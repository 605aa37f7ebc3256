package io.backpack4j.kernel.internal.dryrun;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Arrays;

/** A shape with an owner. Reads give zeros. */
final class DryRunTensor implements Tensor {

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

    private final String backend;
    private final Storage storage;
    private final Shape shape;
    private final DType dtype;
    private DryRunScope scope;
    private boolean closed;

    DryRunTensor(String backend, DryRunScope scope, Storage storage, Shape shape, DType dtype) {
        this.backend = backend;
        this.scope = scope;
        this.storage = storage;
        this.shape = shape;
        this.dtype = dtype;
        storage.handles++;
    }

    Storage storage() {
        return storage;
    }

    /** Moves the handle to another scope. */
    void moveTo(DryRunScope other) {
        scope.forget(this);
        scope = other;
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
        return backend;
    }

    @Override
    public boolean isClosed() {
        return closed;
    }

    @Override
    public void close() {
        if (!closed) {
            scope.forget(this);
            closeFromScope();
        }
    }

    void closeFromScope() {
        closed = true;
        storage.release();
    }

    @Override
    public void read(long from, double[] target, int offset, int count) {
        checkRange(from, count);
        Arrays.fill(target, offset, offset + count, 0);
    }

    @Override
    public void read(long from, float[] target, int offset, int count) {
        checkRange(from, count);
        Arrays.fill(target, offset, offset + count, 0);
    }

    @Override
    public void read(long from, long[] target, int offset, int count) {
        checkRange(from, count);
        Arrays.fill(target, offset, offset + count, 0);
    }

    @Override
    public void write(long from, double[] source, int offset, int count) {
        checkRange(from, count);
    }

    @Override
    public void write(long from, float[] source, int offset, int count) {
        checkRange(from, count);
    }

    @Override
    public void write(long from, long[] source, int offset, int count) {
        checkRange(from, count);
    }

    private void checkRange(long from, int count) {
        Checks.open(this);
        if (from < 0 || count < 0 || from + count > shape.elements()) {
            throw new BackpackException(
                    "RangeOutside",
                    "Elements %d to %d are outside of a tensor of shape %s.".formatted(from, from + count, shape));
        }
    }
}
