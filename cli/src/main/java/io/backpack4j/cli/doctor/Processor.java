// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.doctor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * A processor as Linux describes it.
 *
 * @param name what its maker calls it; empty if that is not told
 * @param features all instruction sets that it has
 */
record Processor(String name, Set<String> features) {

    static final Path CPUINFO = Path.of("/proc/cpuinfo");

    /** What the arithmetic of backends may use. */
    private static final List<String> RELEVANT = List.of(
            "sse4_2",
            "avx",
            "avx2",
            "fma",
            "avx512f",
            "avx512_vnni",
            "avx512_bf16",
            "amx_bf16",
            "asimd",
            "sve",
            "sve2");

    Processor {
        features = Set.copyOf(features);
    }

    /** Reads the first processor of a file such as {@link #CPUINFO}; empty where there is none. */
    static Optional<Processor> of(Path file) {
        if (!Files.isReadable(file)) {
            return Optional.empty();
        }
        try {
            return Optional.of(parse(Files.readAllLines(file)));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    static Processor parse(List<String> lines) {
        Map<String, String> values = new HashMap<>();
        for (String line : lines) {
            int colon = line.indexOf(':');
            if (colon > 0) {
                String key = line.substring(0, colon).strip().toLowerCase(Locale.ROOT);
                values.putIfAbsent(key, line.substring(colon + 1).strip());
            }
        }
        String features = values.getOrDefault("flags", values.getOrDefault("features", ""));
        return new Processor(values.getOrDefault("model name", ""), new TreeSet<>(List.of(features.split("\\s+"))));
    }

    List<Finding> findings() {
        List<Finding> findings = new ArrayList<>();
        List<String> found = RELEVANT.stream().filter(features::contains).toList();
        String text = (name.isEmpty() ? "" : name + "; ") + (found.isEmpty() ? "" : String.join(" ", found));
        boolean old = features.contains("sse2") && !features.contains("avx2");
        findings.add(
                old
                        ? Finding.advised("processor", text, "It has no AVX2: arithmetic is several times slower.")
                        : Finding.fine("processor", text));
        return findings;
    }
}
