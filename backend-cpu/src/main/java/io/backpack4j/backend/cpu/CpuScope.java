package io.backpack4j.backend.cpu;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;

/** The handles of one scope. */
final class CpuScope implements TensorScope {

    private final CpuBackend backend;
    private final ArrayList<CpuTensor> tensors = new ArrayList<>();
    private boolean closed;

    CpuScope(CpuBackend backend) {
        this.backend = backend;
    }

    @Override
    public Tensor allocate(Shape shape, DType dtype) {
        requireOpen();
        Block block = backend.pool().allocate(shape.elements() * dtype.bytes());
        return add(new CpuTensor(backend, this, block, 0, shape, dtype));
    }

    @Override
    public Tensor view(Tensor tensor, Shape shape) {
        requireOpen();
        CpuTensor whole = backend.handle(tensor);
        if (shape.elements() != whole.elements) {
            throw new BackpackException(
                    "InvalidView",
                    "A tensor of shape %s has %d elements and cannot be viewed as %s, which has %d."
                            .formatted(whole.shape(), whole.elements, shape, shape.elements()));
        }
        return share(whole, whole.offset, shape);
    }

    @Override
    public Tensor rows(Tensor tensor, long from, long to) {
        requireOpen();
        CpuTensor whole = backend.handle(tensor);
        Shape shape = whole.shape();
        if (shape.rank() == 0 || from < 0 || from > to || to > shape.size(0)) {
            throw new BackpackException(
                    "InvalidRows", "A tensor of shape %s has no rows %d to %d (exclusive).".formatted(shape, from, to));
        }
        long row = shape.elements(1, shape.rank());
        return share(whole, whole.at(from * row), shape.with(0, to - from));
    }

    @Override
    public Tensor adopt(Tensor tensor) {
        requireOpen();
        CpuTensor taken = backend.handle(tensor);
        if (taken.scope != this) {
            taken.scope.forget(taken);
            keep(taken);
        }
        return taken;
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            for (int i = tensors.size() - 1; i >= 0; i--) {
                tensors.get(i).release();
            }
            tensors.clear();
        }
    }

    /** Removes a handle; the last one takes its place. */
    void forget(CpuTensor tensor) {
        if (!closed) {
            CpuTensor last = tensors.remove(tensors.size() - 1);
            if (last != tensor) {
                tensors.set(tensor.place, last);
                last.place = tensor.place;
            }
        }
    }

    private CpuTensor share(CpuTensor whole, long offset, Shape shape) {
        backend.pool().retain(whole.block);
        return add(new CpuTensor(backend, this, whole.block, offset, shape, whole.dtype()));
    }

    private CpuTensor add(CpuTensor tensor) {
        backend.pool().tensorOpened();
        return keep(tensor);
    }

    private CpuTensor keep(CpuTensor tensor) {
        tensor.scope = this;
        tensor.place = tensors.size();
        tensors.add(tensor);
        return tensor;
    }

    private void requireOpen() {
        if (closed) {
            throw new BackpackException("ClosedScope", "A scope was used after it was closed.");
        }
        backend.requireOpen();
    }
}
