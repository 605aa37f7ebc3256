package io.backpack4j.backend.cuda;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;

/** The handles of one scope. */
final class CudaScope implements TensorScope {

    private final CudaBackend backend;
    private final ArrayList<CudaTensor> tensors = new ArrayList<>();
    private boolean closed;

    CudaScope(CudaBackend backend) {
        this.backend = backend;
    }

    @Override
    public CudaTensor allocate(Shape shape, DType dtype) {
        requireOpen();
        Block block = backend.device().allocate(shape, dtype);
        return keep(new CudaTensor(backend, this, block, 0, shape, dtype));
    }

    @Override
    public CudaTensor view(Tensor tensor, Shape shape) {
        requireOpen();
        CudaTensor whole = backend.own(tensor);
        if (shape.elements() != whole.elements) {
            throw new BackpackException(
                    "InvalidView",
                    "A tensor of shape %s has %d elements and cannot be viewed as %s, which has %d."
                            .formatted(whole.shape(), whole.elements, shape, shape.elements()));
        }
        return share(whole, whole.offset(0), shape);
    }

    @Override
    public CudaTensor rows(Tensor tensor, long from, long to) {
        requireOpen();
        CudaTensor whole = backend.own(tensor);
        Shape shape = whole.shape();
        if (shape.rank() == 0 || from < 0 || from > to || to > shape.size(0)) {
            throw new BackpackException(
                    "InvalidRows", "A tensor of shape %s has no rows %d to %d (exclusive).".formatted(shape, from, to));
        }
        long row = shape.elements(1, shape.rank());
        return share(whole, whole.offset(from * row), shape.with(0, to - from));
    }

    @Override
    public Tensor adopt(Tensor tensor) {
        requireOpen();
        CudaTensor taken = backend.own(tensor);
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
    void forget(CudaTensor tensor) {
        if (!closed) {
            CudaTensor last = tensors.remove(tensors.size() - 1);
            if (last != tensor) {
                tensors.set(tensor.place, last);
                last.place = tensor.place;
            }
        }
    }

    private CudaTensor share(CudaTensor whole, long offset, Shape shape) {
        backend.device().shared(whole.block);
        return keep(new CudaTensor(backend, this, whole.block, offset, shape, whole.dtype()));
    }

    private CudaTensor keep(CudaTensor tensor) {
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
