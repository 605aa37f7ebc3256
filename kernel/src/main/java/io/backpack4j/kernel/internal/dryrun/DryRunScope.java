// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.dryrun;

import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.OwningScope;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorKeeper;

/** Owns shapes. */
final class DryRunScope extends OwningScope<DryRunTensor> {

    private final ByteCounter counter;

    DryRunScope(TensorKeeper<DryRunTensor> keeper, ByteCounter counter) {
        super(keeper);
        this.counter = counter;
    }

    @Override
    public Tensor allocate(Shape shape, DType dtype) {
        requireOpen();
        long bytes = Math.multiplyExact(shape.elements(), (long) dtype.bytes());
        return keep(new DryRunTensor(this, new DryRunTensor.Storage(counter, bytes), shape, dtype));
    }

    @Override
    protected DryRunTensor own(Tensor tensor) {
        return TensorChecks.own(tensor);
    }

    @Override
    protected DryRunTensor share(DryRunTensor whole, long from, Shape shape) {
        return keep(new DryRunTensor(this, whole.storage(), shape, whole.dtype()));
    }
}
