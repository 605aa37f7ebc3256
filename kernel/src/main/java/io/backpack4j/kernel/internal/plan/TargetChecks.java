// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.plan;

import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.internal.calls.Part;
import io.backpack4j.kernel.internal.calls.PluginCalls;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.tensor.Shape;

/** Whether targets are such that a loss can work on them, before it does. */
final class TargetChecks {

    private TargetChecks() {}

    /** @param output the shape of the network's output, {@code [N, *out]} */
    static void require(Loss loss, Shape output, Batch batch) {
        PluginCalls.check(Part.of(loss), "as it checked targets", () -> loss.validateValues(output, batch.targets()));
    }
}
