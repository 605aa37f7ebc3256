// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.session;

import io.backpack4j.kernel.SessionState;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;

/** Numbers in an array. */
record HostNumbers(Shape shape, double[] values) implements SessionState.Numbers {

    static HostNumbers scalar(double value) {
        return new HostNumbers(Shape.of(), new double[] {value});
    }

    static HostNumbers vector(double... values) {
        return new HostNumbers(Shape.of(values.length), values);
    }

    @Override
    public DType dtype() {
        return DType.FLOAT64;
    }

    @Override
    public void read(long from, double[] target, int offset, int count) {
        System.arraycopy(values, (int) from, target, offset, count);
    }
}
