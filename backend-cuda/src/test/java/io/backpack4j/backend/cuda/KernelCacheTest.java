// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Compiled kernels on disk. */
class KernelCacheTest {

    private static final KernelCache.Key KEY = new KernelCache.Key("source", List.of("A=1"), "sm_90", "NVRTC 12.9");

    @TempDir
    private Path directory;

    private int compiled;

    private byte[] compile() {
        compiled++;
        return new byte[] {4, 2};
    }

    @Test
    void whatWasCompiledIsFoundByAnother() throws IOException {
        Path folder = directory.resolve("a").resolve("b");
        for (int i = 0; i < 3; i++) {
            assertThat(new KernelCache(Optional.of(folder)).get(KEY, this::compile))
                    .containsExactly(4, 2);
        }
        assertThat(compiled).isEqualTo(1);
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).singleElement().asString().endsWith(".bin");
        }
    }

    @Test
    void allThatCodeDependsOnMakesTheName() {
        List<KernelCache.Key> keys = List.of(
                KEY,
                new KernelCache.Key("source2", List.of("A=1"), "sm_90", "NVRTC 12.9"),
                new KernelCache.Key("source", List.of("A=2"), "sm_90", "NVRTC 12.9"),
                new KernelCache.Key("source", List.of("A=1"), "sm_80", "NVRTC 12.9"),
                new KernelCache.Key("source", List.of("A=1"), "sm_90", "NVRTC 12.6"));
        KernelCache cache = new KernelCache(Optional.of(directory));
        keys.forEach(key -> cache.get(key, this::compile));
        assertThat(compiled).isEqualTo(keys.size());
        assertThat(keys.stream().map(KernelCache.Key::fileName)).doesNotHaveDuplicates();
    }

    @Test
    void withoutADirectoryNothingIsKept() {
        KernelCache cache = new KernelCache(Optional.empty());
        cache.get(KEY, this::compile);
        cache.get(KEY, this::compile);
        assertThat(compiled).isEqualTo(2);
    }

    @Test
    void whereTheDiskRefusesKernelsAreCompiledAnew() throws IOException {
        Path file = Files.createFile(directory.resolve("file"));
        KernelCache cache = new KernelCache(Optional.of(file.resolve("below")));
        assertThat(cache.get(KEY, this::compile)).containsExactly(4, 2);
        assertThat(cache.get(KEY, this::compile)).containsExactly(4, 2);
        assertThat(compiled).isEqualTo(2);
    }
}
