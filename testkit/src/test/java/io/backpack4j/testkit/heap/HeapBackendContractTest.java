// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.heap;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.testkit.backend.BackendContract;

/** The reference keeps the contract itself. */
class HeapBackendContractTest extends BackendContract {

    @Override
    protected Backend open() {
        return new HeapBackend();
    }
}
