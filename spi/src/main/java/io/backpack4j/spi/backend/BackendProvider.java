// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend;

/** Knows whether a backend can run here, and opens it. */
public interface BackendProvider {

    /** The name by which users pick it: {@code -Dbackpack.backend=cpu}. */
    String id();

    /** Of the available backends the one with the highest priority is taken when the user picks none. */
    int priority();

    /** Looks whether the backend can be opened. Never throws, takes no device memory, and may be called often. */
    Availability probe();

    /** Opens a backend of its own. Two of them in one JVM do not disturb each other. */
    Backend open(BackendConfiguration configuration);
}
