package io.backpack4j.testkit;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;

/** The handles of one scope. */
final class HeapScope implements TensorScope {

    private final HeapBackend backend;
    private final Set<HeapTensor> tensors = Collections.newSetFromMap(new IdentityHashMap<>());
    private boolean closed;

    HeapScope(HeapBackend backend) {
        this.backend = backend;
    }

    @Override
    public Tensor allocate(Shape shape, DType dtype) {
        requireOpen();
        HeapStorage storage = new HeapStorage(backend.heap(), Math.toIntExact(shape.elements()), dtype);
        return keep(new HeapTensor(backend, this, storage, 0, shape, dtype));
    }

    @Override
    public Tensor view(Tensor tensor, Shape shape) {
        requireOpen();
        HeapTensor whole = backend.own(tensor);
        if (shape.elements() != whole.size()) {
            throw new BackpackException(
                    "InvalidView", "A tensor of shape %s cannot be viewed as %s.".formatted(whole.shape(), shape));
        }
        return keep(whole.share(this, 0, shape));
    }

    @Override
    public Tensor rows(Tensor tensor, long from, long to) {
        requireOpen();
        HeapTensor whole = backend.own(tensor);
        Shape shape = whole.shape();
        if (shape.rank() == 0 || from < 0 || from > to || to > shape.size(0)) {
            throw new BackpackException(
                    "InvalidRows", "A tensor of shape %s has no rows %d to %d (exclusive).".formatted(shape, from, to));
        }
        int first = (int) (from * shape.elements(1, shape.rank()));
        return keep(whole.share(this, first, shape.with(0, to - from)));
    }

    @Override
    public Tensor adopt(Tensor tensor) {
        requireOpen();
        HeapTensor taken = backend.own(tensor);
        taken.scope().forget(taken);
        taken.moveTo(this);
        return keep(taken);
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            List.copyOf(tensors).forEach(HeapTensor::release);
            tensors.clear();
            backend.scopeClosed();
        }
    }

    void forget(HeapTensor tensor) {
        tensors.remove(tensor);
    }

    private HeapTensor keep(HeapTensor tensor) {
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
