// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.thirdparty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.backpack4j.formats.DataFile;
import io.backpack4j.formats.ModelFile;
import io.backpack4j.formats.Safetensors;
import io.backpack4j.formats.SafetensorsWriter;
import io.backpack4j.formats.SafetensorsWriterBuilder;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.io.File;
import java.io.IOException;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The external jar under the command line, as a process of its own. */
class LauncherTest {

    /** The directory of the launcher: where the tests run, or above it. */
    static final Path ROOT = root();

    private static final int N = 6;
    private static final String EXTENSIONS = "SignalToNoise(epsilon=1e-6),BatchGrad";

    @TempDir
    Path folder;

    private Path plugins;
    private Path model;
    private Path data;
    private Path out;

    private static Path root() {
        Path path = Path.of("").toAbsolutePath();
        while (!Files.exists(path.resolve("backpack"))) {
            path = path.getParent();
        }
        return path;
    }

    @BeforeEach
    void write() throws IOException {
        plugins = Files.createDirectory(folder.resolve("plugins"));
        ExternalJars.acme(plugins);
        model = ExternalJars.RESOURCES.resolve("model.json");
        data = folder.resolve("data.safetensors");
        out = folder.resolve("results.safetensors");
        Map<String, Shape> tensors = new LinkedHashMap<>();
        tensors.put("0.weight", Shape.of(3, 4));
        tensors.put("0.bias", Shape.of(3));
        tensors.put("1.gain", Shape.of(3));
        tensors.put("3.weight", Shape.of(2, 3));
        tensors.put("3.bias", Shape.of(2));
        tensors.put("input", Shape.of(N, 4));
        tensors.put("target", Shape.of(N, 2));
        Random random = new Random(11);
        SafetensorsWriterBuilder builder = SafetensorsWriter.to(data);
        tensors.forEach((name, shape) -> builder.tensor(name, DType.FLOAT64, shape));
        try (SafetensorsWriter writer = builder.open()) {
            tensors.forEach((name, shape) -> {
                double[] values = random.doubles(shape.elements(), 0, 1).toArray();
                writer.write(name, 0, values, 0, values.length);
            });
            writer.commit();
        }
    }

    /** Runs a command; what it prints goes to a file. */
    private String execute(Map<String, String> environment, List<String> command) throws Exception {
        Path log = folder.resolve("output.txt");
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .directory(folder.toFile());
        builder.environment().putAll(environment);
        Process process = builder.start();
        try {
            assertThat(process.waitFor(60, TimeUnit.SECONDS))
                    .as("ended in time")
                    .isTrue();
        } finally {
            process.destroyForcibly();
        }
        assertThat(process.exitValue()).as(Files.readString(log)).isZero();
        return Files.readString(log);
    }

    private List<String> evaluation() {
        return List.of(
                "evaluate",
                "--plugins",
                plugins.toString(),
                "--backend=cpu",
                "--threads=1",
                "--model=" + model,
                "--data=" + data,
                "--extensions=" + EXTENSIONS,
                "--out=" + out);
    }

    private void assertResults() throws IOException {
        ModelDescription description = ModelFile.read(model);
        try (URLClassLoader loader = ExternalJars.loader(plugins);
                BackPack backpack = BackPack.builder()
                        .classLoader(loader)
                        .backend("cpu")
                        .threads(1)
                        .build();
                Safetensors given = Safetensors.open(data);
                Safetensors written = Safetensors.open(out);
                DataFile.Loaded loaded = new DataFile("data", given, description).load(backpack, DType.FLOAT64)) {
            List<Request<?>> requests = List.of(
                    backpack.catalog().request("SignalToNoise", Map.of("epsilon", 1e-6)),
                    backpack.catalog().request("BatchGrad", Map.of()));
            try (Results results = backpack.plan(loaded.model(), loaded.batch(), requests, PassOptions.DEFAULT)
                    .run(loaded.batch())) {
                assertThat(results.tensors()).containsKeys("1.gain/snr", "0.weight/snr");
                assertThat(written.tensors().keySet())
                        .containsAll(results.tensors().keySet());
                results.tensors()
                        .forEach((name, tensor) -> assertThat(written.readDoubles(name))
                                .as(name)
                                .containsExactly(tensor.toDoubleArray(), within(1e-12)));
            }
        }
    }

    @Test
    void the_main_class_runs_with_the_jar_on_its_class_path() throws Exception {
        String classPath = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Dorg.bytedeco.javacpp.maxbytes=0",
                "-Dorg.bytedeco.javacpp.maxphysicalbytes=0",
                "-Dguice_custom_class_loading=CHILD",
                "-cp",
                classPath + File.pathSeparator + plugins + File.separator + "*",
                "io.backpack4j.cli.Main"));
        command.addAll(evaluation());
        assertThat(execute(Map.of(), command)).contains("1.gain", "snr").contains("tensors written to " + out);
        assertResults();
    }

    @Test
    void the_launcher_takes_a_directory_of_plugins() throws Exception {
        assumeTrue(
                Files.isDirectory(ROOT.resolve("cli/target/lib")),
                "cli/target/lib is made by 'mvn package': the launcher would start a build of its own");
        assumeTrue(isFresh(), "sources are newer than the last build: the launcher would start a build of its own");
        Map<String, String> environment = Map.of("JAVA_HOME", System.getProperty("java.home"));
        List<String> command = new ArrayList<>(List.of(ROOT.resolve("backpack").toString()));
        command.addAll(evaluation());
        execute(environment, command);
        assertResults();
        List<String> listing = List.of(ROOT.resolve("backpack").toString(), "plugins", "--plugins", plugins.toString());
        assertThat(execute(environment, listing))
                .contains("acme-plugin-1.0.jar", "Gain", "PoissonLoss", "SignalToNoise");
    }

    /** Whether the launcher would find nothing to build. */
    private static boolean isFresh() throws IOException {
        Path stamp = ROOT.resolve("cli/target/build.stamp");
        if (!Files.exists(stamp)) {
            return false;
        }
        long built = Files.getLastModifiedTime(stamp).toMillis();
        List<Path> roots = new ArrayList<>(List.of(ROOT.resolve("pom.xml")));
        try (Stream<Path> modules = Files.list(ROOT)) {
            modules.filter(module -> Files.exists(module.resolve("pom.xml")))
                    .filter(module -> Stream.of("it-tests", "site", "starter").noneMatch(module::endsWith))
                    .forEach(module -> roots.addAll(List.of(module.resolve("pom.xml"), module.resolve("src/main"))));
        }
        for (Path each : roots) {
            if (Files.exists(each)) {
                try (Stream<Path> files = Files.walk(each)) {
                    if (files.anyMatch(file -> file.toFile().lastModified() > built)) {
                        return false;
                    }
                }
            }
        }
        return true;
    }
}
