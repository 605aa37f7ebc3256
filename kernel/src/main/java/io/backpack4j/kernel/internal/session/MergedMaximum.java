// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.session;

import io.backpack4j.kernel.SessionState;
import io.backpack4j.kernel.internal.pass.PassPartials;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Map;

/** The larger number, element by element. Factors of losses are positive, so they keep the order. */
record MergedMaximum(Backend backend, Tensor maximum) implements Merged {

    private static final String MAXIMUM = "maximum";

    static MergedMaximum of(Backend backend, TensorScope scope, Tensor first) {
        return new MergedMaximum(backend, DeviceNumbers.copy(backend, scope, first));
    }

    static MergedMaximum of(Backend backend, TensorScope scope, StateReader state) {
        return new MergedMaximum(backend, state.upload(scope, MAXIMUM));
    }

    @Override
    public Shape shape() {
        return maximum.shape();
    }

    @Override
    public void add(PassPartials.Value part) {
        add(part.tensors().get(0));
    }

    @Override
    public void add(Merged other) {
        add(((MergedMaximum) other).maximum);
    }

    private void add(Tensor other) {
        backend.elementwise().combine(BinaryOperation.MAXIMUM, maximum, other, maximum);
    }

    @Override
    public PassPartials.Value value(TensorScope scope, double factor) {
        Tensor result = scope.allocate(shape(), maximum.dtype());
        backend.elementwise().affine(maximum, factor, 0, result);
        return Merged.single(result);
    }

    @Override
    public Map<String, SessionState.Numbers> state() {
        return Map.of(MAXIMUM, new DeviceNumbers(maximum));
    }
}
