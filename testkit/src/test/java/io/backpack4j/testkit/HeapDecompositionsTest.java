package io.backpack4j.testkit;

import io.backpack4j.spi.backend.Backend;

class HeapDecompositionsTest extends DecompositionContract {

    @Override
    protected Backend open() {
        return new HeapBackend();
    }
}
