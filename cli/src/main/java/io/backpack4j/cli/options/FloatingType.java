// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.options;

import io.backpack4j.spi.tensor.DType;
import java.util.List;

/** Reads the element type of a computation. */
final class FloatingType extends Choice<DType> {

    FloatingType() {
        super(List.of(DType.FLOAT32, DType.FLOAT64));
    }
}
