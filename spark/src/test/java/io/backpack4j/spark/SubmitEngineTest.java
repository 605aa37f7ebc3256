// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spark;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The guide's program, submitted to {@code local[2]}, with a plugin of its own and Spark's faster serializer. */
class SubmitEngineTest {

    private static final String PLUGIN = """
            import io.backpack4j.spi.Plugin;
            import io.backpack4j.spi.PluginDescriptor;
            import io.backpack4j.spi.SpiVersion;
            import io.backpack4j.spi.extension.*;
            import io.backpack4j.spi.module.Contraction;
            import io.backpack4j.spi.tensor.Tensor;
            import java.util.List;

            public final class ExamplePlugin implements Plugin {

                public record Total() implements TensorExtension {
                    @Override public String resultName() { return "total"; }
                    @Override public void declare(int stage, SiteDeclaration site) {
                        site.accumulate("sum", new LossGradient(), new Contraction.Moments());
                    }
                    @Override public Tensor finish(SitePartial partial) { return partial.sum("sum"); }
                }

                @Override public PluginDescriptor descriptor() {
                    return new PluginDescriptor("example", "1.0", SpiVersion.MAJOR);
                }
                @Override public List<ExtensionProvider> extensions() {
                    return List.of(ExtensionProvider.of("Total", options -> new Total()));
                }
            }
            """;

    @TempDir
    private Path folder;

    @Test
    @EnabledOnOs(OS.LINUX)
    void the_guides_program_runs_with_sparks_jars_first() throws Exception {
        String program = EnginePrograms.guide()
                .replace(
                        "Request.of(new Variance()),",
                        "Request.of(new Variance()), Request.of(new ExamplePlugin.Total()),");
        Path jar = EnginePrograms.jar(
                folder,
                Map.of("SparkExample", program, "ExamplePlugin", PLUGIN),
                Map.of("META-INF/services/io.backpack4j.spi.Plugin", "ExamplePlugin"));
        String printed = EnginePrograms.submitted(
                folder,
                "SparkExample",
                jar,
                List.of(
                        "--master",
                        "local[2]",
                        "--conf",
                        "spark.serializer=org.apache.spark.serializer.KryoSerializer"),
                "state.safetensors");
        assertThat(printed)
                .contains("2000 samples, loss 1.1")
                .contains("[8, 3]")
                .contains("loss_batch")
                .contains("only showing top 3 rows")
                .as("threads of OpenMP wait as the load says in local mode")
                .containsPattern("GOMP_SPINCOUNT = '20000'");
        assertThat(Files.size(folder.resolve("state.safetensors"))).isGreaterThan(1000);
    }
}
