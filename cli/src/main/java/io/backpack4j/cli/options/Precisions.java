// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.options;

import io.backpack4j.spi.backend.Precision;
import java.util.List;

/** Reads a precision. */
public final class Precisions extends Choice<Precision> {

    Precisions() {
        super(List.of(Precision.FULL, Precision.BF16_FAST));
    }
}
