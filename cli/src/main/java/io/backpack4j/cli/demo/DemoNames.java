// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.demo;

import io.backpack4j.kernel.Catalog;
import io.backpack4j.kernel.Request;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The names of results, by the extension's type.
 *
 * @param catalog of the extensions
 * @param requests what was computed
 */
record DemoNames(Catalog catalog, List<Request<?>> requests) {

    DemoNames {
        requests = List.copyOf(requests);
    }

    /** The name of the results of an extension that plugins provide under a type; nothing if it was not asked for. */
    Optional<String> of(String type) {
        if (!catalog.extensionTypes().contains(type)) {
            return Optional.empty();
        }
        Class<?> wanted = catalog.extension(type, Map.of()).getClass();
        return requests.stream()
                .filter(request -> request.extension().getClass() == wanted)
                .map(Request::name)
                .findFirst();
    }
}
