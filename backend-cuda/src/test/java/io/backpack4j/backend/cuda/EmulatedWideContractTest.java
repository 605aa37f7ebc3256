// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BackendConfiguration;
import io.backpack4j.testkit.backend.BackendContract;
import java.util.Map;

/** The same with positions of 64 bits, and with threads that run from the last to the first. */
@EmulationRequired
class EmulatedWideContractTest extends BackendContract {

    @Override
    protected Backend open() {
        return new EmulatedCuda(true).open(new BackendConfiguration(1, Map.of()));
    }
}
