// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.options;

import io.backpack4j.spi.module.Mode;
import java.util.List;

/** Reads the mode of a pass. */
public final class PassModes extends Choice<Mode> {

    PassModes() {
        super(List.of(Mode.TRAIN, Mode.EVAL));
    }
}
