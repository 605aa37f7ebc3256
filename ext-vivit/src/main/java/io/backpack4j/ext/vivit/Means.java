// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.vivit;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.tensor.Tensor;

/** Means over an axis. */
final class Means {

    private Means() {}

    /** Overwrites {@code result} with means over an axis. */
    static void over(Backend backend, Tensor tensor, int axis, Tensor result) {
        backend.reductions().reduce(Reduction.SUM, tensor, axis, axis + 1, result);
        backend.elementwise().affine(result, 1.0 / tensor.shape().size(axis), 0, result);
    }
}
