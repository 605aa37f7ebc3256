// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.OwningScope;
import io.backpack4j.spi.tensor.Shape;

/** The handles of one scope. */
final class CudaScope extends OwningScope<CudaTensor> {

    private final CudaBackend backend;

    CudaScope(CudaBackend backend) {
        super(backend.keeper());
        this.backend = backend;
    }

    @Override
    public CudaTensor allocate(Shape shape, DType dtype) {
        requireOpen();
        Block block = backend.device().allocate(shape, dtype);
        return keep(new CudaTensor(backend, this, block, 0, shape, dtype));
    }

    @Override
    protected CudaTensor share(CudaTensor whole, long from, Shape shape) {
        backend.device().shared(whole.block);
        return keep(new CudaTensor(backend, this, whole.block, whole.offset(from), shape, whole.dtype()));
    }
}
