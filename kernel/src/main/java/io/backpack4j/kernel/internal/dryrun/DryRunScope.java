package io.backpack4j.kernel.internal.dryrun;

import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.OwningScope;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;

/** Owns shapes. */
final class DryRunScope extends OwningScope<DryRunTensor> {

    private final String backend;
    private final ByteCounter counter;

    DryRunScope(String backend, ByteCounter counter) {
        this.backend = backend;
        this.counter = counter;
    }

    @Override
    public Tensor allocate(Shape shape, DType dtype) {
        requireOpen();
        long bytes = Math.multiplyExact(shape.elements(), (long) dtype.bytes());
        return keep(new DryRunTensor(backend, this, new DryRunTensor.Storage(counter, bytes), shape, dtype));
    }

    @Override
    protected DryRunTensor own(Tensor tensor) {
        return TensorChecks.own(tensor);
    }

    @Override
    protected DryRunTensor share(DryRunTensor whole, long from, Shape shape) {
        return keep(new DryRunTensor(backend, this, whole.storage(), shape, whole.dtype()));
    }

    @Override
    protected void requireBackendOpen() {}
}
