// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.robustness;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.cli.Main;
import io.backpack4j.formats.IdxFile;
import io.backpack4j.formats.Safetensors;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.testkit.Randomness;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Damaged models, data, expressions, saved sessions and IDX files, through the command line, sessions and the reader:
 * each is worked on or refused in words, in bounded time and memory, and leaves no file but a complete result. By
 * default as many as twenty seconds allow, from a seed of the day that is printed; a long run is
 *
 * <pre>{@code
 * mvn -pl it-tests -am test -Dtest=FuzzTest -Dsurefire.failIfNoSpecifiedTests=false -Dfuzz.inputs=100000
 * }</pre>
 *
 * {@code -Dbackpack.test.seed} repeats one and {@code -Dfuzz.first} begins at one of its inputs. What fails is written
 * to {@code target/fuzz}.
 */
class FuzzTest {

    private static final long SEED = Randomness.seed(System.currentTimeMillis() / 86_400_000);
    private static final int INPUTS = Integer.getInteger("fuzz.inputs", 0);
    private static final int SECONDS = Integer.getInteger("fuzz.seconds", 20);
    private static final int FIRST = Integer.getInteger("fuzz.first", 0);
    private static final int PATIENCE_SECONDS = 60;
    private static final int PROGRESS = 5_000;
    private static final List<String> FOR_PROGRAMMERS =
            List.of("\tat ", "Exception", "Caused by", "internal error", "PluginFailure", "java.lang", "StackOverflow");

    @TempDir
    private Path directory;

    private final Map<String, Long> counts = new TreeMap<>();

    private final List<String> failures = new ArrayList<>();

    @Test
    void damaged_files_are_refused_or_worked_on() throws IOException, InterruptedException {
        System.out.println("Fuzz run with -Dbackpack.test.seed=" + SEED);
        String before = System.getProperty("backpack.cpu.memory");
        System.setProperty("backpack.cpu.memory", "256MiB");
        ExecutorService worker = Executors.newSingleThreadExecutor(task -> {
            Thread thread = new Thread(task, "fuzz");
            thread.setDaemon(true);
            return thread;
        });
        long start = System.nanoTime();
        AtomicLong used = new AtomicLong();
        long slowest = 0;
        int inputs = 0;
        try (FuzzSession sessions = new FuzzSession(directory)) {
            List<FuzzProblem> problems = FuzzProblem.all(directory);
            byte[] idx = idx();
            assertThat(sessions.load(sessions.valid())).isEmpty();
            for (FuzzProblem problem : problems) {
                String kind =
                        run(new Case("valid", problem.model(), problem.data(), "BatchGrad,KFAC", "float64"), sessions);
                assertThat(kind).isEqualTo("worked on");
            }
            while (INPUTS > 0 ? inputs < INPUTS : System.nanoTime() - start < SECONDS * 1_000_000_000L) {
                Random random = new Random(SEED * 1_000_003 + FIRST + inputs);
                Case input = Case.draw(random, problems, idx, sessions.valid());
                long began = used.get();
                Future<String> outcome = worker.submit(() -> {
                    try {
                        return run(input, sessions);
                    } finally {
                        used.set(ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime());
                    }
                });
                try {
                    String kind = patiently(outcome);
                    counts.merge(input.what() + ": " + kind, 1L, Long::sum);
                } catch (TimeoutException e) {
                    fail(FIRST + inputs, input, "it did not end");
                    break;
                } catch (ExecutionException e) {
                    fail(FIRST + inputs, input, String.valueOf(e.getCause()));
                }
                slowest = Math.max(slowest, used.get() - began);
                if (++inputs % PROGRESS == 0) {
                    System.out.printf("%,d inputs, %d failures%n", inputs, failures.size());
                }
            }
        } finally {
            worker.shutdownNow();
            if (before == null) {
                System.clearProperty("backpack.cpu.memory");
            } else {
                System.setProperty("backpack.cpu.memory", before);
            }
        }
        System.gc();
        long heap = Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
        Figures.row(
                "damaged model, data, IDX, session files and expressions, seed " + SEED,
                "%,d inputs in %,d s, %d failures; the slowest took %,d ms of processor time; %,d MiB of heap afterwards",
                inputs,
                (System.nanoTime() - start) / 1_000_000_000,
                failures.size(),
                slowest / 1_000_000,
                heap >> 20);
        counts.forEach((kind, count) -> System.out.printf("%9d %s%n", count, kind));
        assertThat(failures).isEmpty();
        assertThat(heap).as("bytes of heap in use").isLessThan(512L << 20);
    }

    /** Waits in short pieces: a process that was suspended for a while has not hung. */
    private static String patiently(Future<String> outcome)
            throws InterruptedException, ExecutionException, TimeoutException {
        for (int second = 1; second < PATIENCE_SECONDS; second++) {
            try {
                return outcome.get(1, TimeUnit.SECONDS);
            } catch (TimeoutException e) {
                continue;
            }
        }
        return outcome.get(1, TimeUnit.SECONDS);
    }

    private void fail(int number, Case input, String why) throws IOException {
        Path folder = Files.createDirectories(Path.of("target", "fuzz", SEED + "-" + number));
        Files.write(folder.resolve("model.json"), input.model());
        Files.write(folder.resolve("data"), input.data());
        Files.writeString(folder.resolve("why.txt"), input + "\n" + why);
        failures.add("input " + number + " (" + folder + "): " + why);
        if (failures.size() > 50) {
            throw new AssertionError(String.join("\n", failures));
        }
    }

    /**
     * One input.
     *
     * @param what what is damaged
     */
    private record Case(String what, byte[] model, byte[] data, String extensions, String dtype) {

        static Case draw(Random random, List<FuzzProblem> problems, byte[] idx, byte[] session) {
            Mutations mutations = new Mutations(random);
            FuzzProblem problem = problems.get(random.nextInt(problems.size()));
            byte[] model = problem.model();
            byte[] data = problem.data();
            String extensions =
                    problem.extensions().get(random.nextInt(problem.extensions().size()));
            String dtype = random.nextBoolean() ? "float32" : "float64";
            switch (random.nextInt(11)) {
                case 0 -> {
                    return new Case("IDX", new byte[0], mutations.bytes(idx), "", dtype);
                }
                case 10 -> {
                    return new Case("session", new byte[0], mutations.safetensors(session), "", dtype);
                }
                case 1 -> {
                    byte[] damaged = mutations.bytes(
                            "KFAC(mc_samples=10),BatchGrad(subsampling=[0,2],as=x),Variance(parameters=[1.*])"
                                    .getBytes(StandardCharsets.ISO_8859_1));
                    return new Case("extensions", model, data, new String(damaged, StandardCharsets.ISO_8859_1), dtype);
                }
                case 2 -> {
                    return new Case("model bytes", mutations.bytes(model), data, extensions, dtype);
                }
                case 3, 4, 5, 6 -> {
                    String damaged = mutations.json(new String(model, StandardCharsets.UTF_8));
                    return new Case("model tokens", damaged.getBytes(StandardCharsets.UTF_8), data, extensions, dtype);
                }
                default -> {
                    return new Case("data", model, mutations.safetensors(data), extensions, dtype);
                }
            }
        }

        @Override
        public String toString() {
            return "%s, --extensions '%s' --dtype %s".formatted(what, extensions, dtype);
        }
    }

    private static byte[] idx() throws IOException {
        Path file = Files.createTempFile("backpack4j", ".gz");
        try {
            IdxFile.of(Shape.of(2, 3), new byte[6]).write(file);
            return Files.readAllBytes(file);
        } finally {
            Files.delete(file);
        }
    }

    private String run(Case input, FuzzSession sessions) throws IOException {
        return switch (input.what()) {
            case "IDX" -> read(input);
            case "session" -> load(input, sessions);
            default -> evaluate(input);
        };
    }

    private static String load(Case input, FuzzSession sessions) throws IOException {
        String refused = sessions.load(input.data());
        assertThat(refused).doesNotContain(FOR_PROGRAMMERS);
        return refused.isEmpty() ? "worked on" : "refused " + kinds(refused);
    }

    private static String read(Case input) {
        try {
            IdxFile.read(new ByteArrayInputStream(input.data()), "f");
            return "worked on";
        } catch (BackpackException e) {
            return "refused";
        }
    }

    /** The ids of the problems, and that of a wrong argument, which has none. */
    private static String kinds(String message) {
        Matcher ids = Pattern.compile("\\[([A-Z][A-Za-z]+)] ").matcher(message);
        String kinds = ids.results()
                .map(id -> id.group(1))
                .distinct()
                .sorted()
                .limit(2)
                .collect(Collectors.joining(", "));
        return kinds.isEmpty() ? message.lines().findFirst().orElse("") : kinds;
    }

    private String evaluate(Case input) throws IOException {
        Path model = Files.write(directory.resolve("model.json"), input.model());
        Path data = Files.write(directory.resolve("data.safetensors"), input.data());
        Path results = directory.resolve("results.safetensors");
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        String[] arguments = {
            "evaluate",
            "--model",
            model.toString(),
            "--data",
            data.toString(),
            "--extensions",
            input.extensions(),
            "--out",
            results.toString(),
            "--dtype",
            input.dtype(),
            "--backend",
            "cpu",
            "--threads",
            "1"
        };
        int code = Main.run(new PrintWriter(out), new PrintWriter(err), arguments);
        if (code == 0) {
            try (Safetensors file = Safetensors.open(results)) {
                assertThat(file.tensors()).containsKey("loss");
            }
            Files.delete(results);
        } else {
            assertThat(code).isBetween(1, 2);
            assertThat(err.toString()).startsWith("backpack: ".substring(0, 9)).doesNotContain(FOR_PROGRAMMERS);
            assertThat(out.toString()).isEmpty();
        }
        try (Stream<Path> files = Files.list(directory)) {
            assertThat(files).containsExactlyInAnyOrder(model, data);
        }
        return code == 0 ? "worked on" : "refused " + kinds(err.toString());
    }
}
