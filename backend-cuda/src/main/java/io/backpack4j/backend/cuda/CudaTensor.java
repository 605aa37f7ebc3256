package io.backpack4j.backend.cuda;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;

/** A handle on row-major elements in a block of device memory. */
final class CudaTensor implements Tensor {

    final Block block;
    final long elements;

    /** The scope that owns this handle, and the place there. */
    CudaScope scope;

    int place;

    private final CudaBackend backend;
    private final long offset;
    private final Shape shape;
    private final DType dtype;
    private volatile boolean closed;

    /** Creates a handle on the elements from {@code offset} bytes on. */
    CudaTensor(CudaBackend backend, CudaScope scope, Block block, long offset, Shape shape, DType dtype) {
        this.backend = backend;
        this.scope = scope;
        this.block = block;
        this.offset = offset;
        this.shape = shape;
        this.dtype = dtype;
        this.elements = shape.elements();
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
        return backend.id();
    }

    @Override
    public boolean isClosed() {
        return closed;
    }

    @Override
    public void close() {
        if (!closed) {
            scope.forget(this);
            release();
        }
    }

    /** Closes this handle without telling its scope. */
    void release() {
        if (!closed) {
            closed = true;
            backend.device().closed(block);
        }
    }

    /** This tensor, if {@code user} is the backend that keeps it and it is open. */
    CudaTensor openIn(CudaBackend user) {
        if (backend != user) {
            throw new BackpackException(
                    "ForeignTensor",
                    ("A tensor of shape %s belongs to another instance of backend '%s' and cannot be used with this"
                                    + " one. Copy it through arrays.")
                            .formatted(shape, backend.id()));
        }
        requireOpen();
        return this;
    }

    /** The size of an axis. */
    long size(int axis) {
        return shape.size(axis);
    }

    /** Where the first element lies on the device. */
    long address() {
        return block.address + offset;
    }

    /** Where an element lies on the device. */
    long address(long element) {
        return address() + element * dtype.bytes();
    }

    /** Where an element lies, in bytes from the block's start. */
    long offset(long element) {
        return offset + element * dtype.bytes();
    }

    @Override
    public void read(long from, double[] target, int position, int count) {
        checkRange(from, count);
        HostTransfer.read(backend.device(), this, from, count, (bytes, done, length) -> {
            switch (dtype) {
                case FLOAT64 -> bytes.asDoubleBuffer().get(target, position + done, length);
                case FLOAT32 -> {
                    for (int i = 0; i < length; i++) {
                        target[position + done + i] = bytes.getFloat(i * Float.BYTES);
                    }
                }
                case INT64 -> {
                    for (int i = 0; i < length; i++) {
                        target[position + done + i] = bytes.getLong(i * Long.BYTES);
                    }
                }
            }
        });
    }

    @Override
    public void read(long from, float[] target, int position, int count) {
        checkRange(from, count);
        if (dtype == DType.INT64) {
            throw wrongType("read as floats");
        }
        HostTransfer.read(backend.device(), this, from, count, (bytes, done, length) -> {
            if (dtype == DType.FLOAT32) {
                bytes.asFloatBuffer().get(target, position + done, length);
            } else {
                for (int i = 0; i < length; i++) {
                    target[position + done + i] = (float) bytes.getDouble(i * Double.BYTES);
                }
            }
        });
    }

    @Override
    public void read(long from, long[] target, int position, int count) {
        checkRange(from, count);
        if (dtype != DType.INT64) {
            throw wrongType("read as integers");
        }
        HostTransfer.read(
                backend.device(),
                this,
                from,
                count,
                (bytes, done, length) -> bytes.asLongBuffer().get(target, position + done, length));
    }

    @Override
    public void write(long from, double[] source, int position, int count) {
        checkRange(from, count);
        HostTransfer.write(backend.device(), this, from, count, (bytes, done, length) -> {
            switch (dtype) {
                case FLOAT64 -> bytes.asDoubleBuffer().put(source, position + done, length);
                case FLOAT32 -> {
                    for (int i = 0; i < length; i++) {
                        bytes.putFloat(i * Float.BYTES, (float) source[position + done + i]);
                    }
                }
                case INT64 -> {
                    for (int i = 0; i < length; i++) {
                        bytes.putLong(i * Long.BYTES, (long) source[position + done + i]);
                    }
                }
            }
        });
    }

    @Override
    public void write(long from, float[] source, int position, int count) {
        checkRange(from, count);
        HostTransfer.write(backend.device(), this, from, count, (bytes, done, length) -> {
            switch (dtype) {
                case FLOAT32 -> bytes.asFloatBuffer().put(source, position + done, length);
                case FLOAT64 -> {
                    for (int i = 0; i < length; i++) {
                        bytes.putDouble(i * Double.BYTES, source[position + done + i]);
                    }
                }
                case INT64 -> {
                    for (int i = 0; i < length; i++) {
                        bytes.putLong(i * Long.BYTES, (long) source[position + done + i]);
                    }
                }
            }
        });
    }

    @Override
    public void write(long from, long[] source, int position, int count) {
        checkRange(from, count);
        if (dtype != DType.INT64) {
            throw wrongType("written as integers");
        }
        HostTransfer.write(
                backend.device(),
                this,
                from,
                count,
                (bytes, done, length) -> bytes.asLongBuffer().put(source, position + done, length));
    }

    @Override
    public String toString() {
        return "Tensor " + shape + " " + dtype + " on " + backend.id() + (closed ? ", closed" : "");
    }

    private void requireOpen() {
        if (closed) {
            throw new BackpackException(
                    "ClosedTensor",
                    "A tensor of shape %s was used after it, or the scope that owns it, was closed.".formatted(shape));
        }
        backend.requireOpen();
    }

    private void checkRange(long from, int count) {
        requireOpen();
        if (from < 0 || count < 0 || from + count > elements) {
            throw new BackpackException(
                    "RangeOutOfBounds",
                    "Elements %d to %d (exclusive) were asked of a tensor of shape %s, which has %d."
                            .formatted(from, from + count, shape, elements));
        }
    }

    private BackpackException wrongType(String use) {
        return new BackpackException(
                "WrongType", "A tensor of type %s and shape %s cannot be %s.".formatted(dtype, shape, use));
    }
}
