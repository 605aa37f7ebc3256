// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.thirdparty;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Catalog;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.LossDescription;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.testkit.extension.ExtensionContract;
import io.backpack4j.testkit.extension.NetworkCase;
import java.io.IOException;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/** The jar's extension, with networks of this project and one of the jar's own module and loss. */
class AcmeExtensionContractTest extends ExtensionContract {

    @TempDir
    static Path folder;

    private static URLClassLoader loader;

    @BeforeAll
    static void load() throws IOException {
        ExternalJars.acme(Files.createDirectory(folder.resolve("plugins")));
        loader = ExternalJars.loader(folder.resolve("plugins"));
    }

    @AfterAll
    static void close() throws IOException {
        loader.close();
    }

    @Override
    protected BackPack open() {
        return BackPack.builder().backend("cpu").threads(2).classLoader(loader).build();
    }

    @Override
    protected List<Extension<?>> extensions(Catalog catalog) {
        return List.of(catalog.extension("SignalToNoise", Map.of("epsilon", 1e-3)));
    }

    @Override
    protected List<NetworkCase> networks(Catalog catalog) {
        NetworkCase own = NetworkCase.real(
                "the jar's own module and loss",
                Graph.sequential(catalog.module("a test", "Gain", Map.of("initial", 0.5))),
                catalog.loss(new LossDescription("PoissonLoss", Map.of())),
                Shape.of(3),
                Shape.of(3));
        return Stream.concat(super.networks(catalog).stream(), Stream.of(own)).toList();
    }
}
