package io.backpack4j.kernel.internal.dryrun;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;

/** Owns shapes. */
final class DryRunScope implements TensorScope {

    private final String backend;
    private final ByteCounter counter;
    private final Set<DryRunTensor> owned = Collections.newSetFromMap(new IdentityHashMap<>());

    DryRunScope(String backend, ByteCounter counter) {
        this.backend = backend;
        this.counter = counter;
    }

    @Override
    public Tensor allocate(Shape shape, DType dtype) {
        long bytes = Math.multiplyExact(shape.elements(), (long) dtype.bytes());
        return own(new DryRunTensor(backend, this, new DryRunTensor.Storage(counter, bytes), shape, dtype));
    }

    @Override
    public Tensor view(Tensor tensor, Shape shape) {
        DryRunTensor original = Checks.own(tensor);
        if (shape.elements() != original.shape().elements()) {
            throw new BackpackException(
                    "ShapeMismatch",
                    "A tensor of shape %s cannot be viewed as %s: the numbers of elements differ."
                            .formatted(original.shape(), shape));
        }
        return own(new DryRunTensor(backend, this, original.storage(), shape, original.dtype()));
    }

    @Override
    public Tensor rows(Tensor tensor, long from, long to) {
        DryRunTensor original = Checks.own(tensor);
        if (original.shape().rank() == 0
                || from < 0
                || from > to
                || to > original.shape().size(0)) {
            throw new BackpackException(
                    "RangeOutside",
                    "Rows %d to %d are outside of a tensor of shape %s.".formatted(from, to, original.shape()));
        }
        return own(new DryRunTensor(
                backend, this, original.storage(), original.shape().with(0, to - from), original.dtype()));
    }

    @Override
    public Tensor adopt(Tensor tensor) {
        DryRunTensor adopted = Checks.own(tensor);
        adopted.moveTo(this);
        return own(adopted);
    }

    void forget(DryRunTensor tensor) {
        owned.remove(tensor);
    }

    private Tensor own(DryRunTensor tensor) {
        owned.add(tensor);
        return tensor;
    }

    @Override
    public void close() {
        owned.forEach(DryRunTensor::closeFromScope);
        owned.clear();
    }
}
