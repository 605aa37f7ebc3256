// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.bytedeco.dnnl.global.dnnl;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Asks libgomp itself: with {@code OMP_DISPLAY_ENV} it prints what it read when it loaded. */
@EnabledOnOs(OS.LINUX)
class WaitingThreadsTest {

    private static final Pattern SEEN = Pattern.compile("GOMP_SPINCOUNT = '([^']*)'");

    /** What libgomp takes itself: milliseconds. */
    private static final String SYSTEMS_OWN = "300000";

    @TempDir
    private Path folder;

    /** Jars with this in their names are not on the class path. */
    private String without = "";

    /** Opens the backend as a program does. */
    static final class Opened {
        public static void main(String[] arguments) {
            NativeLibraries.get();
            System.out.println("follows the load: " + WaitingThreads.followsLoad());
        }
    }

    /** Loads libgomp only, which is quicker. */
    static final class Loaded {
        public static void main(String[] arguments) {
            WaitingThreads.decide();
            dnnl.dnnl_version().close();
            // whatever reads the environment afterwards reads all of it
            System.out.println("after: " + System.getenv("BEFORE"));
            System.out.println("follows the load: " + WaitingThreads.followsLoad());
        }
    }

    private String printed() throws IOException {
        return Files.readString(folder.resolve("out.txt"), StandardCharsets.UTF_8);
    }

    private String classPath() {
        return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry -> without.isEmpty()
                        || !Path.of(entry).getFileName().toString().contains(without))
                .collect(Collectors.joining(File.pathSeparator));
    }

    private String spinCount(Class<?> main, Map<String, String> environment, String... flags)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("-Xshare:auto");
        command.addAll(List.of(flags));
        command.addAll(List.of("-cp", classPath(), main.getName()));
        Path out = folder.resolve("out.txt");
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(out.toFile());
        builder.environment().keySet().removeIf(name -> name.startsWith("OMP_") || name.startsWith("GOMP_"));
        builder.environment().put("OMP_DISPLAY_ENV", "VERBOSE");
        builder.environment().putAll(environment);
        Process process = builder.start();
        try {
            assertThat(process.waitFor(2, TimeUnit.MINUTES)).as("ended in time").isTrue();
        } finally {
            process.destroyForcibly();
        }
        String printed = printed();
        assertThat(process.exitValue()).as(printed).isZero();
        Matcher matcher = SEEN.matcher(printed);
        assertThat(matcher.find()).as(printed).isTrue();
        return matcher.group(1);
    }

    @Test
    void threads_of_a_program_that_opens_the_backend_wait_as_the_load_says() throws Exception {
        assertThat(spinCount(Opened.class, Map.of())).isEqualTo("20000");
        assertThat(printed()).contains("follows the load: true");
    }

    @Test
    void threads_wait_shortly_where_no_oneDNN_follows_the_load() throws Exception {
        without = "dnnl";
        assertThat(spinCount(Opened.class, Map.of())).isEqualTo("2000");
        assertThat(printed()).contains("follows the load: false");
    }

    @Test
    void what_the_user_said_stays() throws Exception {
        assertThat(spinCount(Loaded.class, Map.of("GOMP_SPINCOUNT", "77"))).isEqualTo("77");
        assertThat(spinCount(Loaded.class, Map.of("OMP_WAIT_POLICY", "passive")))
                .isNotIn("2000", "20000", SYSTEMS_OWN);
        assertThat(printed()).contains("follows the load: false");
    }

    @Test
    void a_property_says_how_long_or_leaves_all_as_it_was() throws Exception {
        assertThat(spinCount(Loaded.class, Map.of("BEFORE", "yes"), "-Dbackpack.cpu.spin_count=123"))
                .isEqualTo("123");
        assertThat(printed()).contains("after: yes", "follows the load: false");
        assertThat(spinCount(Loaded.class, Map.of(), "-Dbackpack.cpu.spin_count=system"))
                .isEqualTo(SYSTEMS_OWN);
        assertThat(printed()).contains("follows the load: false");
        assertThat(spinCount(Loaded.class, Map.of(), "-Dbackpack.cpu.spin_count=load"))
                .isEqualTo("20000");
        assertThat(printed()).contains("follows the load: true");
    }
}
