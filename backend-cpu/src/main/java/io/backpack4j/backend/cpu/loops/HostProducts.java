// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Products;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;

/** Matrix products, one pair at a time. */
final class HostProducts implements Products {

    private final NativeBackend backend;

    HostProducts(NativeBackend backend) {
        this.backend = backend;
    }

    @Override
    public Backend backend() {
        return backend;
    }

    @Override
    public void multiply(
            Tensor a, boolean transposeA, Tensor b, boolean transposeB, double alpha, double beta, Tensor destination) {
        CpuTensor left = backend.own(a);
        CpuTensor right = backend.own(b);
        CpuTensor to = backend.own(destination);
        if (to.elements == 0) {
            return;
        }
        int k = Math.toIntExact(left.shape().size(transposeA ? -2 : -1));
        if (k == 0) {
            if (beta == 0) {
                backend.elementwise().fill(to, 0);
            } else {
                backend.elementwise().affine(to, beta, 0, to);
            }
            return;
        }
        int m = Math.toIntExact(to.shape().size(-2));
        int n = Math.toIntExact(to.shape().size(-1));
        int bytes = to.dtype().bytes();
        int batchAxes = to.shape().rank() - 2;
        long batch = to.shape().elements(0, batchAxes);
        boolean oneRight = right.shape().elements(0, batchAxes) == 1;
        if (oneRight && !transposeA && left.shape().elements(0, batchAxes) == batch) {
            // the rows of all left matrices meet the same right one
            m = Math.toIntExact(m * batch);
            batchAxes = 0;
        }
        var odometer = new Odometer(
                to.shape().toArray(),
                batchAxes,
                strides(left.shape(), batchAxes, (long) m * k * bytes),
                strides(right.shape(), batchAxes, (long) k * n * bytes));
        long target = to.address();
        do {
            OpenBlas.multiply(
                    to.isSingle(),
                    transposeA,
                    transposeB,
                    m,
                    n,
                    k,
                    alpha,
                    left.address() + odometer.first(),
                    right.address() + odometer.second(),
                    beta,
                    target);
            target += (long) m * n * bytes;
        } while (odometer.advance());
    }

    /** The distance of neighbours along each batch axis, 0 where the axis has size one. */
    private static long[] strides(Shape shape, int batchAxes, long matrix) {
        long[] strides = new long[batchAxes];
        long step = matrix;
        for (int axis = batchAxes - 1; axis >= 0; axis--) {
            strides[axis] = shape.size(axis) == 1 ? 0 : step;
            step *= shape.size(axis);
        }
        return strides;
    }
}
