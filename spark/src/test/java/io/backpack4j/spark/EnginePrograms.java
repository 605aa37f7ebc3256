// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spark;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.tools.ToolProvider;
import org.apache.spark.launcher.JavaModuleOptions;

/**
 * Programs in processes of their own, submitted as users submit theirs: Spark's jars first, the rest with {@code
 * --jars}.
 */
final class EnginePrograms {

    private static final Pattern EXAMPLE = Pattern.compile("```java\n(import.*?)```", Pattern.DOTALL);

    /** What Spark does not bring. */
    private static final List<String> OURS = List.of(
            "/backpack4j", "/org/nd4j/", "/org/bytedeco/", "/com/google/inject/", "/jakarta/inject/", "/aopalliance/");

    private EnginePrograms() {}

    /** The program of the guide. */
    static String guide() throws IOException {
        Matcher matcher = EXAMPLE.matcher(Files.readString(Path.of("..", "docs", "guide", "spark.md")));
        assertThat(matcher.find()).as("the guide has a program").isTrue();
        return matcher.group(1);
    }

    /** Compiles classes of the default package, and makes a jar of them. */
    static Path jar(Path folder, Map<String, String> sources, Map<String, String> resources) throws IOException {
        Path classes = Files.createDirectories(folder.resolve("classes"));
        List<Path> files = new ArrayList<>();
        for (Map.Entry<String, String> source : sources.entrySet()) {
            Path file = folder.resolve(source.getKey() + ".java");
            Files.writeString(file, source.getValue());
            files.add(file);
        }
        var compiler = ToolProvider.getSystemJavaCompiler();
        StringWriter messages = new StringWriter();
        try (var manager = compiler.getStandardFileManager(null, null, StandardCharsets.UTF_8)) {
            List<String> options =
                    List.of("-proc:none", "-d", classes.toString(), "-cp", System.getProperty("java.class.path"));
            assertThat(compiler.getTask(
                                    messages, manager, null, options, null, manager.getJavaFileObjectsFromPaths(files))
                            .call())
                    .as(messages.toString())
                    .isTrue();
        }
        for (Map.Entry<String, String> resource : resources.entrySet()) {
            Path file = classes.resolve(resource.getKey());
            Files.createDirectories(file.getParent());
            Files.writeString(file, resource.getValue());
        }
        return packed(classes, folder.resolve("program.jar"));
    }

    private static Path packed(Path classes, Path jar) throws IOException {
        try (OutputStream file = Files.newOutputStream(jar);
                JarOutputStream out = new JarOutputStream(file);
                Stream<Path> entries = Files.walk(classes)) {
            for (Path entry : entries.filter(Files::isRegularFile).toList()) {
                out.putNextEntry(
                        new JarEntry(classes.relativize(entry).toString().replace('\\', '/')));
                Files.copy(entry, out);
                out.closeEntry();
            }
        }
        return jar;
    }

    private static boolean isOurs(String entry) {
        String path = entry.replace('\\', '/');
        return Files.isDirectory(Path.of(entry)) || OURS.stream().anyMatch(path::contains);
    }

    /**
     * Submits a program.
     *
     * @param main its class
     * @param program its jar
     * @param settings options of spark-submit
     * @return what it printed
     */
    static String submitted(Path folder, String main, Path program, List<String> settings, String... arguments)
            throws IOException, InterruptedException {
        return submitted(folder, main, program, settings, Map.of(), arguments);
    }

    /**
     * Submits a program to a cluster of processes on this machine. Workers start executors from an installation of
     * Spark, which is a folder of links here.
     *
     * @param master such as {@code local-cluster[2,1,1024]}
     */
    static String submittedToCluster(
            Path folder, String master, String main, Path program, List<String> settings, String... arguments)
            throws IOException, InterruptedException {
        Path home = folder.resolve("spark-home");
        Path jars = Files.createDirectories(home.resolve("jars"));
        Files.writeString(home.resolve("RELEASE"), "for a test");
        for (String entry : classPath()) {
            Path jar = Path.of(entry);
            if (!isOurs(entry) && Files.exists(jar)) {
                Files.createSymbolicLink(jars.resolve(jar.getFileName()), jar.toAbsolutePath());
            }
        }
        List<String> all = new ArrayList<>(List.of("--master", master));
        all.addAll(settings);
        Map<String, String> environment =
                Map.of("SPARK_HOME", home.toString(), "SPARK_SCALA_VERSION", "2.13", "SPARK_LOCAL_IP", "127.0.0.1");
        try {
            return submitted(folder, main, program, all, environment, arguments);
        } finally {
            // JUnit warns of every link that it removes.
            try (Stream<Path> links = Files.list(jars)) {
                for (Path link : links.toList()) {
                    Files.delete(link);
                }
            }
        }
    }

    private static List<String> classPath() {
        return Arrays.asList(
                System.getProperty("java.class.path").split(Pattern.quote(System.getProperty("path.separator"))));
    }

    private static String submitted(
            Path folder,
            String main,
            Path program,
            List<String> settings,
            Map<String, String> environment,
            String... arguments)
            throws IOException, InterruptedException {
        List<String> all = classPath();
        List<String> jars = new ArrayList<>();
        for (String entry : all) {
            if (isOurs(entry) && !entry.endsWith("test-classes") && Files.exists(Path.of(entry))) {
                Path path = Path.of(entry);
                jars.add((Files.isDirectory(path) ? packed(path, folder.resolve(jars.size() + ".jar")) : path)
                        .toString());
            }
        }
        String spark = String.join(
                System.getProperty("path.separator"),
                all.stream().filter(entry -> !isOurs(entry)).toList());
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of(JavaModuleOptions.defaultModuleOptionArray()));
        command.addAll(List.of(
                "-Xmx1g",
                "-Dorg.bytedeco.javacpp.maxbytes=0",
                "-Dorg.bytedeco.javacpp.maxphysicalbytes=0",
                "-Dguice_custom_class_loading=CHILD",
                "-cp",
                spark,
                "org.apache.spark.deploy.SparkSubmit"));
        command.addAll(List.of("--conf", "spark.ui.enabled=false", "--conf", "spark.driver.host=127.0.0.1"));
        command.addAll(settings);
        command.addAll(List.of("--jars", String.join(",", jars), "--class", main, program.toString()));
        command.addAll(List.of(arguments));
        Path out = folder.resolve("out.txt");
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(out.toFile());
        builder.environment().putAll(environment);
        builder.environment().put("OMP_DISPLAY_ENV", "VERBOSE");
        builder.environment()
                .keySet()
                .removeIf(name -> name.equals("GOMP_SPINCOUNT") || name.equals("OMP_WAIT_POLICY"));
        Process process = builder.start();
        try {
            assertThat(process.waitFor(4, TimeUnit.MINUTES)).as("ended in time").isTrue();
        } finally {
            process.destroyForcibly();
        }
        String printed = Files.readString(out);
        assertThat(process.exitValue()).as(printed).isZero();
        return printed;
    }
}
