// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.laplace;

import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/** Numbers on the host, row-major. */
record Numbers(Shape shape, double[] values) {

    /** A copy of a tensor, of integers, too. */
    static Numbers of(Tensor tensor) {
        if (tensor.dtype() == DType.INT64) {
            long[] whole = tensor.toLongArray();
            double[] values = new double[whole.length];
            for (int i = 0; i < whole.length; i++) {
                values[i] = whole[i];
            }
            return new Numbers(tensor.shape(), values);
        }
        return new Numbers(tensor.shape(), tensor.toDoubleArray());
    }

    /** A copy on a backend. */
    Tensor on(TensorScope scope, DType dtype) {
        Tensor tensor = scope.allocate(shape, dtype);
        tensor.write(0, values, 0, values.length);
        return tensor;
    }

    Numbers as(Shape other) {
        return new Numbers(other, values);
    }

    /** own · these + others · other. */
    Numbers combined(double own, Numbers other, double others) {
        double[] sum = new double[values.length];
        for (int i = 0; i < sum.length; i++) {
            sum[i] = own * values[i] + others * other.values[i];
        }
        return new Numbers(shape, sum);
    }
}
