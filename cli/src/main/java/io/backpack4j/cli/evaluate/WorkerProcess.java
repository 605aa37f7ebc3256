// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.evaluate;

import io.backpack4j.cli.console.CliProblems;
import io.backpack4j.formats.Safetensors;
import io.backpack4j.spi.BackpackException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParseResult;

/** A process that evaluates a part of the rows and leaves the file of its session. */
final class WorkerProcess {

    /** What a worker is told anew. */
    private static final Set<String> OWN = Set.of("--workers", "--threads", "--out");

    private static final long STOP_SECONDS = 10;

    /** What a worker writes to standard output after each batch. */
    private static final char BATCH = '.';

    private final String name;
    private final TablePart part;
    private final Process process;
    private final Path folder;
    private final AtomicLong batches = new AtomicLong();

    private WorkerProcess(String name, TablePart part, Process process, Path folder) {
        this.name = name;
        this.part = part;
        this.process = process;
        this.folder = folder;
        Thread listener = new Thread(this::listen, "backpack4j-worker");
        listener.setDaemon(true);
        listener.start();
    }

    /** Says, in a worker, that a batch is done. */
    static void tell(PrintWriter out) {
        out.print(BATCH);
        out.flush();
    }

    /** The arguments of this command, without those that a worker gets anew. */
    static List<String> arguments(CommandSpec spec) {
        List<String> arguments = new ArrayList<>();
        ParseResult parsed = spec.root().commandLine().getParseResult();
        add(parsed, arguments);
        arguments.add(spec.name());
        add(parsed.subcommand(), arguments);
        return arguments;
    }

    private static void add(ParseResult parsed, List<String> arguments) {
        for (OptionSpec option : parsed.matchedOptions()) {
            if (OWN.contains(option.longestName())) {
                continue;
            }
            if (option.arity().max() == 0) {
                arguments.add(option.longestName());
            } else {
                option.originalStringValues().forEach(value -> arguments.add(option.longestName() + "=" + value));
            }
        }
    }

    /**
     * Starts one.
     *
     * @param arguments those of {@link #arguments}
     * @param folder of its own, for its session and whatever it leaves
     */
    static WorkerProcess start(String name, List<String> arguments, TablePart part, int threads, Path folder) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(flag -> !flag.startsWith("-javaagent") && !flag.startsWith("-agent"))
                .forEach(command::add);
        command.add("-Djava.io.tmpdir=" + folder);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), "io.backpack4j.cli.Main"));
        command.addAll(arguments);
        command.add("--threads=" + threads);
        command.add("--part=" + part);
        command.add("--out=" + session(folder));
        try {
            Files.createDirectories(folder);
            Process process = new ProcessBuilder(command)
                    .redirectError(errors(folder).toFile())
                    .start();
            process.getOutputStream().close();
            return new WorkerProcess(name, part, process, folder);
        } catch (IOException e) {
            throw new BackpackException(
                    CliProblems.WORKER_FAILED,
                    "Worker %s could not be started: %s. Take fewer with --workers.".formatted(name, e.getMessage()),
                    e);
        }
    }

    private static Path session(Path folder) {
        return folder.resolve("session.safetensors");
    }

    /** The file of what rows have for themselves, if they are written as they come. */
    static Path rowsBeside(Path session) {
        return session.resolveSibling("rows.safetensors");
    }

    private static Path errors(Path folder) {
        return folder.resolve("errors.txt");
    }

    private void listen() {
        try (BufferedReader reader = process.inputReader(StandardCharsets.UTF_8)) {
            for (int read = reader.read(); read >= 0; read = reader.read()) {
                batches.addAndGet(read == BATCH ? 1 : 0);
            }
        } catch (IOException e) {
            // It was stopped: nobody asks any more.
            return;
        }
    }

    /** The file of its session, once it has ended. */
    Path session() {
        return session(folder);
    }

    /** Gives away what its rows have for themselves, once it has ended. */
    void giveRows(RowResults results) {
        try (Safetensors rows = Safetensors.open(rowsBeside(session()))) {
            results.take(rows, part.rows().count());
        }
    }

    long batches() {
        return batches.get();
    }

    boolean isRunning() {
        return process.isAlive();
    }

    /** @throws BackpackException if it has ended otherwise than it should, with what it said */
    void requireNoFailure() {
        if (!process.isAlive() && process.exitValue() != 0) {
            throw new BackpackException(
                    CliProblems.WORKER_FAILED,
                    "Worker %s, of rows %d to %d, failed: %s"
                            .formatted(
                                    name,
                                    part.rows().from(),
                                    part.rows().from() + part.rows().count() - 1,
                                    words()));
        }
    }

    private String words() {
        try {
            String said = Files.readString(errors(folder)).strip();
            String prefix = "backpack: ";
            int place = said.lastIndexOf(prefix);
            return place >= 0
                    ? said.substring(place + prefix.length())
                    : "its process ended with code %d%s. If the system ran out of memory, take fewer --workers."
                            .formatted(
                                    process.exitValue(),
                                    said.isEmpty()
                                            ? ""
                                            : ", after '%s'".formatted(said.substring(said.lastIndexOf('\n') + 1)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Ends it, and waits until it has. */
    void stop() {
        process.destroyForcibly();
        try {
            process.waitFor(STOP_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
