package io.backpack4j.testkit;

import io.backpack4j.spi.backend.Backend;

/** The reference keeps the contract itself. */
class HeapBackendContractTest extends BackendContract {

    @Override
    protected Backend open() {
        return new HeapBackend();
    }
}
