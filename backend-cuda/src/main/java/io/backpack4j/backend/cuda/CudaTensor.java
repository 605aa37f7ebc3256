// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.ScopedTensor;
import io.backpack4j.spi.tensor.Shape;

/** A handle on row-major elements in a block of device memory. */
final class CudaTensor extends ScopedTensor {

    final Block block;
    final long elements;

    private final CudaBackend backend;
    private final long offset;

    /** Creates a handle on the elements from {@code offset} bytes on. */
    CudaTensor(CudaBackend backend, CudaScope scope, Block block, long offset, Shape shape, DType dtype) {
        super(scope, shape, dtype);
        this.backend = backend;
        this.block = block;
        this.offset = offset;
        this.elements = shape.elements();
    }

    @Override
    protected void free() {
        backend.device().closed(block);
    }

    /** The size of an axis. */
    long size(int axis) {
        return shape().size(axis);
    }

    /** Address of the first element on the device. */
    long address() {
        return block.address + offset;
    }

    /** Address of an element on the device. */
    long address(long element) {
        return address() + element * dtype().bytes();
    }

    /** Offset of an element, in bytes from the block's start. */
    long offset(long element) {
        return offset + element * dtype().bytes();
    }

    @Override
    public void read(long from, double[] target, int position, int count) {
        requireRange(from, count);
        HostTransfer.read(backend.device(), this, from, count, (bytes, done, length) -> {
            switch (dtype()) {
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
        requireRange(from, count);
        requireFloating(true, "read as floats");
        HostTransfer.read(backend.device(), this, from, count, (bytes, done, length) -> {
            if (dtype() == DType.FLOAT32) {
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
        requireRange(from, count);
        requireFloating(false, "read as integers");
        HostTransfer.read(
                backend.device(),
                this,
                from,
                count,
                (bytes, done, length) -> bytes.asLongBuffer().get(target, position + done, length));
    }

    @Override
    public void write(long from, double[] source, int position, int count) {
        requireRange(from, count);
        HostTransfer.write(backend.device(), this, from, count, (bytes, done, length) -> {
            switch (dtype()) {
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
        requireRange(from, count);
        HostTransfer.write(backend.device(), this, from, count, (bytes, done, length) -> {
            switch (dtype()) {
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
        requireRange(from, count);
        requireFloating(false, "written as integers");
        HostTransfer.write(
                backend.device(),
                this,
                from,
                count,
                (bytes, done, length) -> bytes.asLongBuffer().put(source, position + done, length));
    }
}
