// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import io.backpack4j.spi.BackpackException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The index of a checkpoint in several files, such as {@code model.safetensors.index.json}: {@code {"weight_map":
 * {tensor: file}}}.
 *
 * @param files the names of the tensors of each file, by its path
 */
record ShardIndex(Map<Path, Set<String>> files) {

    private static final String ENDING = ".index.json";
    private static final String WEIGHT_MAP = "weight_map";

    static boolean isIndex(Path path) {
        return path.toString().endsWith(ENDING);
    }

    /**
     * Reads an index.
     *
     * @throws BackpackException if it is none, or names a file elsewhere
     */
    static ShardIndex read(Path index) {
        Map<String, @Nullable Object> json = StrictJson.object(text(index), index.toString());
        if (!(json.get(WEIGHT_MAP) instanceof Map<?, ?> map) || map.isEmpty()) {
            throw Failures.invalid(
                    index.toString(),
                    "is no index of a checkpoint: it needs a '%s' of names of tensors to names of files."
                            .formatted(WEIGHT_MAP));
        }
        Map<Path, Set<String>> files = new LinkedHashMap<>();
        map.forEach((tensor, file) -> {
            boolean beside = file instanceof String text
                    && !text.isEmpty()
                    && !text.contains("/")
                    && !text.contains("\\")
                    && !text.equals("..")
                    && !isIndex(Path.of(text));
            if (!beside) {
                throw Failures.invalid(
                        index.toString(),
                        "has tensor %s in %s, which is no name of a file beside it."
                                .formatted(
                                        Failures.quoted(String.valueOf(tensor)),
                                        Failures.quoted(String.valueOf(file))));
            }
            files.computeIfAbsent(index.resolveSibling(String.valueOf(file)), path -> new TreeSet<>())
                    .add(String.valueOf(tensor));
        });
        return new ShardIndex(files);
    }

    private static String text(Path index) {
        try {
            return TextFile.decode(Files.readAllBytes(index), index.toString());
        } catch (IOException e) {
            throw Failures.unreadable(index.toString(), e);
        }
    }

    /**
     * Requires that a file holds the tensors that the index says, and no others, which would be read in silence or
     * twice.
     */
    static void requireSame(Path index, Path shard, Set<String> expected, Set<String> found) {
        Set<String> different = new TreeSet<>(expected);
        found.forEach(name -> {
            if (!different.remove(name)) {
                different.add(name);
            }
        });
        if (!different.isEmpty()) {
            String first = different.iterator().next();
            throw Failures.invalid(
                    shard.toString(),
                    "%s tensor %s, but its index %s says %s. They do not belong together."
                            .formatted(
                                    found.contains(first) ? "has" : "has no",
                                    Failures.quoted(first),
                                    Failures.quoted(index.toString()),
                                    found.contains(first) ? "nothing of it" : "that it has"));
        }
    }
}
