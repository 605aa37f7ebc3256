// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.heap;

import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.OwningScope;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;

/** The handles of one scope. */
final class HeapScope extends OwningScope<HeapTensor> {

    private final HeapBackend backend;

    HeapScope(HeapBackend backend) {
        super(backend.keeper());
        this.backend = backend;
    }

    @Override
    public Tensor allocate(Shape shape, DType dtype) {
        requireOpen();
        HeapStorage storage = new HeapStorage(backend.heap(), Math.toIntExact(shape.elements()), dtype);
        return keep(new HeapTensor(backend, this, storage, 0, shape, dtype));
    }

    @Override
    protected HeapTensor share(HeapTensor whole, long from, Shape shape) {
        return keep(whole.share(this, (int) from, shape));
    }

    @Override
    protected void closed() {
        backend.scopeClosed();
    }
}
