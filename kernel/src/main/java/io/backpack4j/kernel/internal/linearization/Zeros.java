// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.linearization;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.LinkedHashMap;
import java.util.Map;

/** Tensors to add to. */
final class Zeros {

    private Zeros() {}

    /** Zeros of the same names, shapes and types. */
    static Map<String, Tensor> like(Backend backend, TensorScope scope, Map<String, Tensor> tensors) {
        Map<String, Tensor> zeros = new LinkedHashMap<>();
        tensors.forEach((name, tensor) -> {
            Tensor zero = scope.allocate(tensor.shape(), tensor.dtype());
            backend.elementwise().fill(zero, 0);
            zeros.put(name, zero);
        });
        return zeros;
    }
}
