// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.attention;

import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleChecks;

/** What attention modules check alike. */
final class AttentionChecks {

    private AttentionChecks() {}

    static void probability(String type, double dropout) {
        if (!(dropout >= 0 && dropout <= 1)) {
            throw ModuleChecks.invalid(type, "dropout", dropout, "a probability from 0 to 1");
        }
    }

    static void causal(Module module, boolean causal, long queries, long keys) {
        if (causal && queries != keys) {
            throw ModuleChecks.mismatch(
                    module,
                    "is causal and needs as many keys as queries, but samples have %d queries and %d keys."
                            .formatted(queries, keys));
        }
    }
}
