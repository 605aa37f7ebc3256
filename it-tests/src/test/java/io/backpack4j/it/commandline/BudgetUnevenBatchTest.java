// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.commandline;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Seven samples come in chunks of 2, 2, 2 and 1: the third takes more memory than the first two and the last. */
class BudgetUnevenBatchTest {

    @TempDir
    private Path directory;

    @Test
    void what_is_accepted_runs_whatever_the_last_chunk() {
        BudgetFault fault = BudgetFault.of("budget-uneven-batch", directory);
        for (String extensions : new String[] {"KFLR", "Variance"}) {
            long smallest = fault.requireSmallest(extensions);
            for (long budget = smallest; budget < 2 * smallest; budget += smallest / 4) {
                assertThat(fault.refusal(extensions, budget))
                        .as("%s within %d bytes", extensions, budget)
                        .isEmpty();
            }
        }
    }
}
