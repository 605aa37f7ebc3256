// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.heap;

import io.backpack4j.spi.backend.Availability;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BackendConfiguration;
import io.backpack4j.spi.backend.BackendProvider;

/** Opens heap backends. Not registered as a service: tests hand it to whom it may concern. */
public final class HeapBackendProvider implements BackendProvider {

    @Override
    public String id() {
        return HeapBackend.ID;
    }

    @Override
    public int priority() {
        return Integer.MIN_VALUE;
    }

    @Override
    public Availability probe() {
        return new Availability.Available("Java arrays");
    }

    @Override
    public Backend open(BackendConfiguration configuration) {
        return new HeapBackend();
    }
}
