// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.thirdparty;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.LossDescription;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.testkit.loss.LossCase;
import io.backpack4j.testkit.loss.LossContract;
import java.io.IOException;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

class AcmeLossContractTest extends LossContract {

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
    protected List<LossCase> losses() {
        return List.of(LossCase.real(
                backpack.catalog().loss(new LossDescription("PoissonLoss", Map.of())),
                Shape.of(3, 2),
                0,
                1,
                4,
                2,
                1,
                0));
    }
}
