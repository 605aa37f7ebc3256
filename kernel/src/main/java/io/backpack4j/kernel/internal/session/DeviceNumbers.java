// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.session;

import io.backpack4j.kernel.SessionState;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/** Numbers that a backend keeps. */
record DeviceNumbers(Tensor tensor) implements SessionState.Numbers {

    static Tensor copy(Backend backend, TensorScope scope, Tensor source) {
        Tensor copy = scope.allocate(source.shape(), source.dtype());
        backend.elementwise().copy(source, copy);
        return copy;
    }

    @Override
    public DType dtype() {
        return tensor.dtype();
    }

    @Override
    public Shape shape() {
        return tensor.shape();
    }

    @Override
    public void read(long from, double[] target, int offset, int count) {
        tensor.read(from, target, offset, count);
    }
}
