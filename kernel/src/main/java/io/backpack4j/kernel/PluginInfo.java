// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel;

import java.util.List;
import java.util.Map;

/**
 * A plugin that was found.
 *
 * @param id its id
 * @param version its version
 * @param location the jar or folder that it came from
 * @param modules the types of its modules
 * @param losses the types of its losses
 * @param extensions the types of its extensions
 * @param backends the ids of its backends
 * @param services the names of its {@linkplain io.backpack4j.spi.NamedService services} by kind, sorted
 */
public record PluginInfo(
        String id,
        String version,
        String location,
        List<String> modules,
        List<String> losses,
        List<String> extensions,
        List<String> backends,
        Map<String, List<String>> services) {}
