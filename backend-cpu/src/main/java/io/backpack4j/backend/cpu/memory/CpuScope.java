// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.memory;

import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.OwningScope;
import io.backpack4j.spi.tensor.Shape;

/** The handles of one scope. */
final class CpuScope extends OwningScope<CpuTensor> {

    private final NativeBackend backend;

    CpuScope(NativeBackend backend) {
        super(backend.keeper());
        this.backend = backend;
    }

    @Override
    public CpuTensor allocate(Shape shape, DType dtype) {
        requireOpen();
        Block block = backend.pool().allocateTensor(shape.elements() * dtype.bytes());
        return keep(new CpuTensor(backend, this, block, 0, shape, dtype));
    }

    @Override
    protected CpuTensor share(CpuTensor whole, long from, Shape shape) {
        backend.pool().shareTensor(whole.block);
        return keep(new CpuTensor(backend, this, whole.block, whole.at(from), shape, whole.dtype()));
    }
}
