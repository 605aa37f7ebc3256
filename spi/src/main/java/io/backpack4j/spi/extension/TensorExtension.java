// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.extension;

import io.backpack4j.spi.tensor.Tensor;
import java.util.Map;

/** An extension whose result is one tensor per parameter. */
public interface TensorExtension extends Extension<Tensor> {

    @Override
    default Map<String, Tensor> export(Tensor result) {
        return Map.of("", result);
    }
}
