// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_relu;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.backpack4j.backend.cpu.loops.NativeLibraries;
import io.backpack4j.backend.cpu.loops.OtherPrograms;
import io.backpack4j.backend.cpu.memory.Block;
import io.backpack4j.backend.cpu.memory.MemoryPool;
import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** With libgomp as it is, in processes of their own: what it lets threads do cannot be taken back. */
@EnabledOnOs(OS.LINUX)
class LoadWatchTest {

    private static final String WATCH = "backpack4j-load-watch";
    private static final String TEAM = "backpack4j-sleeping-team";
    private static final String CALM = "calm";
    private static final String CROWDED = "crowded";

    @TempDir
    private Path folder;

    /** Prints the processor time of work that two threads share, with pauses, alone and beside a sleeping team. */
    static final class Waits {

        private static final int ROUNDS = 40;

        public static void main(String[] arguments) throws Exception {
            NativeLibraries.get();
            int processors = processors();
            MemoryPool pool = new MemoryPool(Long.MAX_VALUE);
            try (DnnlContext context = new DnnlContext(pool, 2)) {
                work(context, pool);
                for (int round = 0; round < 2; round++) {
                    System.out.println(CALM + " " + work(context, pool));
                    try (SleepingTeam team = new SleepingTeam(processors)) {
                        require(() -> threadsOfTeams() == processors, "threads of the team");
                        TimeUnit.MILLISECONDS.sleep(100);
                        System.out.println(CROWDED + " " + work(context, pool));
                    }
                    require(() -> threadsOfTeams() == 0, "no threads of the team");
                }
            }
            pool.close();
        }

        private static long work(DnnlContext context, MemoryPool pool) throws InterruptedException {
            long count = 1 << 12;
            Block block = pool.reserve(count * Float.BYTES);
            long start = milliseconds();
            for (int round = 0; round < ROUNDS; round++) {
                context.get(
                                context.key(DnnlKind.ELTWISE),
                                Double.MAX_VALUE,
                                () -> DnnlRecipes.eltwise(dnnl_eltwise_relu, 0, 0, count))
                        .at(0, block.address)
                        .at(1, block.address)
                        .run(context);
                TimeUnit.MILLISECONDS.sleep(20);
            }
            pool.unreserve(block);
            return milliseconds() - start;
        }

        private static long milliseconds() {
            return ProcessHandle.current()
                    .info()
                    .totalCpuDuration()
                    .map(Duration::toMillis)
                    .orElseThrow();
        }
    }

    /** Watches the files of a folder, and does what it is told there. */
    static final class Watches {
        public static void main(String[] arguments) throws Exception {
            NativeLibraries.get();
            Path folder = Path.of(arguments[0]);
            try (LoadWatch watch = new LoadWatch(2, folder)) {
                require(() -> lives(WATCH), "a watch");
                for (int round = 0; round < 2; round++) {
                    TimeUnit.SECONDS.sleep(1);
                    require(() -> !lives(TEAM), "no team beside idle processors");
                    // a hundred seconds' work of others since the last look
                    ticks(folder, 10_000L * (round + 1));
                    require(() -> lives(TEAM), "a team beside busy processors");
                    require(() -> threadsOfTeams() == 2, "one thread more than processors, with the backend's two");
                    require(() -> !lives(TEAM), "no team when others are gone");
                }
                ticks(folder, 30_000);
                require(() -> lives(TEAM), "a team");
            }
            require(() -> !lives(TEAM) && !lives(WATCH), "no threads of a closed watch");
            for (int threads : List.of(1, 5)) {
                try (LoadWatch watch = new LoadWatch(threads, folder)) {
                    require(() -> !lives(WATCH), "no watch for " + threads + " threads on 2 processors");
                }
            }
            System.out.println("all as it should be");
        }
    }

    private static int processors() throws IOException {
        try (OtherPrograms others = new OtherPrograms(OtherPrograms.PROC, 0)) {
            return others.available();
        }
    }

    /** Threads of OpenMP have the name of the thread whose team they are, as far as Linux keeps it. */
    private static long threadsOfTeams() {
        File[] tasks = new File("/proc/self/task").listFiles();
        return Arrays.stream(tasks == null ? new File[0] : tasks)
                .filter(task -> name(task).equals(TEAM.substring(0, 15)))
                .count();
    }

    private static String name(File task) {
        try {
            return Files.readString(task.toPath().resolve("comm")).strip();
        } catch (IOException e) {
            return "a thread that has ended meanwhile";
        }
    }

    private static boolean lives(String name) {
        return Thread.getAllStackTraces().keySet().stream()
                .anyMatch(thread -> thread.getName().equals(name));
    }

    private static void require(BooleanSupplier condition, String what) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > end) {
                throw new AssertionError("waited in vain for " + what);
            }
            TimeUnit.MILLISECONDS.sleep(5);
        }
    }

    /** In place and of the same length always: who reads meanwhile reads the old or the new number. */
    private static void ticks(Path folder, long others) throws IOException {
        String line = "cpu0 %012d 0 0 0 0 0 0 0 0 0\ncpu1 0 0 0 0 0 0 0 0 0 0\n".formatted(others);
        try (RandomAccessFile file = new RandomAccessFile(folder.resolve("stat").toFile(), "rw")) {
            file.write(line.getBytes(StandardCharsets.US_ASCII));
        }
    }

    private String run(String spinCount, Class<?> main, String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto"));
        command.add("-Dbackpack.cpu.spin_count=" + spinCount);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
        command.addAll(List.of(arguments));
        Path out = folder.resolve("out.txt");
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(out.toFile());
        builder.environment().keySet().removeIf(name -> name.startsWith("OMP_") || name.startsWith("GOMP_"));
        Process process = builder.start();
        try {
            assertThat(process.waitFor(3, TimeUnit.MINUTES)).as("ended in time").isTrue();
        } finally {
            process.destroyForcibly();
        }
        String printed = Files.readString(out, StandardCharsets.UTF_8);
        assertThat(process.exitValue()).as(printed).isZero();
        return printed;
    }

    /** A thread that waits in a loop takes a processor's time, whether or not it gets the processor at once. */
    @Test
    void threads_wait_shortly_beside_a_sleeping_team_and_for_long_without() throws Exception {
        assumeTrue(processors() > 1, "with one processor all waits are short");
        String printed = run("system", Waits.class);
        long calm = sum(printed, CALM);
        long crowded = sum(printed, CROWDED);
        assertThat(crowded).as(printed).isLessThan(calm / 3);
    }

    private static long sum(String printed, String which) {
        return printed.lines()
                .filter(line -> line.startsWith(which))
                .mapToLong(line -> Long.parseLong(line.split(" ")[1]))
                .sum();
    }

    @Test
    void a_team_sleeps_as_long_as_others_want_the_processors() throws Exception {
        Path proc = Files.createDirectories(folder.resolve("proc/self")).getParent();
        Files.writeString(proc.resolve("self/status"), "Cpus_allowed_list:\t0-1\n");
        Files.writeString(proc.resolve("self/stat"), "1 (java) S 1 2 3 4 5 6 7 8 9 10 0 0 0 0\n");
        ticks(proc, 0);
        assertThat(run("load", Watches.class, proc.toString())).contains("all as it should be");
    }
}
