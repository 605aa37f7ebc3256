// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.commandline;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The smallest budget that would do does, and one byte less does not. */
class BudgetClaimedSmallestTest {

    @TempDir
    private Path directory;

    @Test
    void the_smallest_budget_does_and_one_byte_less_does_not() {
        BudgetFault fault = BudgetFault.of("budget-claimed-smallest", directory);
        assertThat(fault.requireSmallest("SqrtGGNMC(mc_samples=9)")).isEqualTo(13_376);
        fault.requireSmallest("BatchGrad(subsampling=[0, 5])");
        assertThat(fault.refusal("SqrtGGNMC(mc_samples=9)", 13_500)).isEqualTo(Optional.empty());
    }
}
