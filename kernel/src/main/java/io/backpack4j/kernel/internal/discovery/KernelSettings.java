// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.discovery;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.MemoryAmount;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Properties;

/**
 * Settings of one loaded library, read once.
 *
 * @param backend the backend asked for
 * @param backendSource where it was asked for, for messages, such as {@code --backend}; empty if the program did so
 *     without saying
 * @param threads the number of the backend's threads
 * @param memoryBytes the memory budget of passes that name none
 * @param seed from which passes take theirs, and parameters that nobody sets are drawn
 * @param classLoader where plugins are looked for, if the caller says
 * @param excludedPlugins classes of plugins to leave out
 * @param pluginPath jars and directories of jars that are meant to hold plugins, as in a class path; they are on the
 *     class path anyway
 * @param skipBroken whether broken plugins are left out instead of failing
 * @param properties all properties that start with {@code backpack.}
 */
public record KernelSettings(
        Optional<String> backend,
        Optional<String> backendSource,
        int threads,
        OptionalLong memoryBytes,
        long seed,
        Optional<ClassLoader> classLoader,
        List<String> excludedPlugins,
        String pluginPath,
        boolean skipBroken,
        Map<String, String> properties) {

    /** The property of the memory budget. */
    public static final String MEMORY = "backpack.memory";

    /** The property of the seed. */
    public static final String SEED = "backpack.seed";

    private static final String PREFIX = "backpack.";

    /** Reads settings; what the caller says wins over properties. */
    public static KernelSettings of(
            Optional<String> backend,
            Optional<String> backendSource,
            OptionalInt threads,
            Optional<ClassLoader> classLoader,
            Properties properties) {
        Map<String, String> own = new HashMap<>();
        for (String name : properties.stringPropertyNames()) {
            if (name.startsWith(PREFIX)) {
                own.put(name, properties.getProperty(name));
            }
        }
        Optional<String> fromProperty =
                Optional.ofNullable(own.get("backpack.backend")).filter(id -> !id.isBlank());
        Optional<String> source = backend.isPresent() ? backendSource : fromProperty.map("-Dbackpack.backend="::concat);
        List<String> excluded = Arrays.stream(
                        own.getOrDefault("backpack.plugins.exclude", "").split(","))
                .map(String::strip)
                .filter(name -> !name.isEmpty())
                .toList();
        return new KernelSettings(
                backend.or(() -> fromProperty),
                source,
                threads.orElseGet(() -> threads(own)),
                memory(own),
                seed(own),
                classLoader,
                excluded,
                own.getOrDefault("backpack.plugins.path", ""),
                "skip".equals(own.get("backpack.plugins.broken")),
                Map.copyOf(own));
    }

    /** The properties of one backend, without their prefix. */
    public Map<String, String> backendProperties(String id) {
        String prefix = PREFIX + id + ".";
        Map<String, String> selected = new HashMap<>();
        properties.forEach((name, value) -> {
            if (name.startsWith(prefix)) {
                selected.put(name.substring(prefix.length()), value);
            }
        });
        return selected;
    }

    private static OptionalLong memory(Map<String, String> properties) {
        String value = properties.get(MEMORY);
        if (value == null || value.isBlank()) {
            return OptionalLong.empty();
        }
        MemoryAmount amount = MemoryAmount.parse(value)
                .orElseThrow(() -> new BackpackException(
                        CommonProblems.INVALID_OPTION,
                        "-D%s is '%s', but must be %s.".formatted(MEMORY, value, MemoryAmount.FORM)));
        return OptionalLong.of(amount.bytes());
    }

    private static long seed(Map<String, String> properties) {
        String value = properties.get(SEED);
        try {
            return value == null || value.isBlank() ? 0 : Long.parseLong(value.strip());
        } catch (NumberFormatException e) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "-D%s is '%s', but must be a whole number of at most 64 bits.".formatted(SEED, value),
                    e);
        }
    }

    private static int threads(Map<String, String> properties) {
        String value = properties.get("backpack.threads");
        if (value == null) {
            return Runtime.getRuntime().availableProcessors();
        }
        try {
            int threads = Integer.parseInt(value.strip());
            if (threads > 0) {
                return threads;
            }
        } catch (NumberFormatException e) {
            // falls through to the one message for all wrong values
        }
        throw new BackpackException(
                CommonProblems.INVALID_OPTION,
                "-Dbackpack.threads is '%s', but must be a positive whole number.".formatted(value));
    }
}
