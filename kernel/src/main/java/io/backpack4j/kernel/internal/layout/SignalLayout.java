// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.layout;

import io.backpack4j.spi.extension.CondensedSignal;
import io.backpack4j.spi.extension.LossSignal;
import io.backpack4j.spi.extension.Signal;
import java.util.List;

/**
 * A signal in one stage.
 *
 * @param signal the signal
 * @param splitsColumns whether its columns may come in blocks
 * @param reaches per node, whether its cotangents must get there
 * @param sitesAt per node, the wanted sites that have a use there
 * @param condenses per node, whether the columns at its output are replaced; only those of a {@link CondensedSignal}
 *     are
 */
public record SignalLayout(
        Signal signal, boolean splitsColumns, boolean[] reaches, List<List<SiteUse>> sitesAt, boolean[] condenses) {

    /** The signal, if it starts at the loss. */
    public LossSignal source() {
        if (signal instanceof LossSignal source) {
            return source;
        }
        throw new IllegalStateException(signal + " does not start at the loss");
    }
}
