// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BackendConfiguration;
import io.backpack4j.testkit.backend.BackendContract;
import java.util.Map;

/** The backend keeps the contract on a device. */
@DeviceRequired
class CudaBackendContractTest extends BackendContract {

    @Override
    protected Backend open() {
        return new CudaPlugin().backends().get(0).open(new BackendConfiguration(1, Map.of()));
    }
}
