// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.thirdparty;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.testkit.module.ModuleCase;
import io.backpack4j.testkit.module.ModuleContract;
import java.io.IOException;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

class AcmeModuleContractTest extends ModuleContract {

    @TempDir
    static Path folder;

    private static URLClassLoader loader;
    private static BackPack backpack;

    @BeforeAll
    static void load() throws IOException {
        ExternalJars.acme(Files.createDirectory(folder.resolve("plugins")));
        loader = ExternalJars.loader(folder.resolve("plugins"));
        backpack = BackPack.builder().classLoader(loader).build();
    }

    @AfterAll
    static void close() throws IOException {
        backpack.close();
        loader.close();
    }

    @Override
    protected List<ModuleCase> modules() {
        return List.of(
                ModuleCase.of(backpack.catalog().module("a test", "Gain", Map.of()), Shape.of(3)),
                ModuleCase.of(backpack.catalog().module("a test", "Gain", Map.of("initial", 2)), Shape.of(2, 3)),
                ModuleCase.of(backpack.catalog().module("a test", "Gated", Map.of("features", 2)), Shape.of(3, 2)));
    }
}
