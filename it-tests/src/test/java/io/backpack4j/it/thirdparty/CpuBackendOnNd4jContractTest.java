// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.thirdparty;

import io.backpack4j.backend.cpu.CpuPlugin;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BackendConfiguration;
import io.backpack4j.testkit.backend.BackendContract;
import java.util.Map;

/** The processor's backend keeps the contract without oneDNN, too. */
class CpuBackendOnNd4jContractTest extends BackendContract {

    @Override
    protected Backend open() {
        return new CpuPlugin().backends().get(0).open(new BackendConfiguration(2, Map.of("kernels", "nd4j")));
    }
}
