// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.session;

import io.backpack4j.kernel.SessionState;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;

/** Whole numbers in an array, which may be longer. */
record HostIntegers(Shape shape, long[] values) implements SessionState.Numbers {

    @Override
    public DType dtype() {
        return DType.INT64;
    }

    @Override
    public void read(long from, double[] target, int offset, int count) {
        for (int i = 0; i < count; i++) {
            target[offset + i] = values[(int) from + i];
        }
    }

    @Override
    public void readIntegers(long from, long[] target, int offset, int count) {
        System.arraycopy(values, (int) from, target, offset, count);
    }
}
