// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend;

import java.util.Map;
import java.util.Optional;

/**
 * How to open a backend.
 *
 * @param threads the number of threads that the backend's kernels use
 * @param properties all properties that start with {@code backpack.<backend id>.}, without that prefix, such as {@code
 *     kernels}
 */
public record BackendConfiguration(int threads, Map<String, String> properties) {

    public BackendConfiguration {
        properties = Map.copyOf(properties);
    }

    /** One property. */
    public Optional<String> property(String key) {
        return Optional.ofNullable(properties.get(key));
    }
}
