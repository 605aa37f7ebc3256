// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.evaluate;

import io.backpack4j.cli.console.CliProblems;
import io.backpack4j.cli.console.Progress;
import io.backpack4j.formats.SessionFile;
import io.backpack4j.kernel.Session;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.training.data.TableRequest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.stream.Stream;
import picocli.CommandLine.Model.CommandSpec;

/** Runs this command over parts of the rows in processes of their own, and merges the sessions that they leave. */
final class Workers {

    private static final long LOOK_MILLISECONDS = 50;

    private final CommandSpec spec;
    private final int threads;

    /** @param threads of all workers together */
    Workers(CommandSpec spec, int threads) {
        this.spec = spec;
        this.threads = threads;
    }

    /**
     * Divides rows into parts that are about as long, and of whole batches.
     *
     * @param workers how many parts; fewer if there are fewer batches
     */
    static List<TableRequest.Rows> parts(long rows, long batch, int workers) {
        long batches = (rows + batch - 1) / batch;
        long count = Math.min(workers, batches);
        List<TableRequest.Rows> parts = new ArrayList<>();
        for (long part = 0; part < count; part++) {
            long from = batches * part / count * batch;
            long to = Math.min(rows, batches * (part + 1) / count * batch);
            parts.add(new TableRequest.Rows(from, to - from));
        }
        return parts;
    }

    /**
     * Runs them and waits.
     *
     * @param session takes what they accumulated, in the order of the rows
     * @param results takes what they have for single rows, if they write it
     * @param progress is told of every batch
     * @throws BackpackException naming the one that failed; the others are stopped then
     */
    void run(List<TablePart> parts, Session session, Optional<RowResults> results, Progress progress) {
        Path folder = temporaryFolder();
        List<WorkerProcess> processes = new ArrayList<>();
        Thread atExit = new Thread(() -> stop(processes, folder));
        Runtime.getRuntime().addShutdownHook(atExit);
        try {
            List<String> arguments = WorkerProcess.arguments(spec);
            for (int i = 0; i < parts.size(); i++) {
                processes.add(WorkerProcess.start(
                        "%d of %d".formatted(i + 1, parts.size()),
                        arguments,
                        parts.get(i),
                        Math.max(1, threads / parts.size()),
                        folder.resolve("worker" + i)));
            }
            await(processes, progress);
            for (WorkerProcess process : processes) {
                merge(session, results, process);
            }
        } finally {
            stop(processes, folder);
            Runtime.getRuntime().removeShutdownHook(atExit);
        }
    }

    private static void merge(Session session, Optional<RowResults> results, WorkerProcess process) {
        try {
            SessionFile.load(session, process.session());
            results.ifPresent(process::giveRows);
        } catch (BackpackException e) {
            throw TableRows.inWordsOfTheTable(e);
        }
    }

    private static void await(List<WorkerProcess> processes, Progress progress) {
        long seen = 0;
        boolean running = true;
        while (running) {
            // Asked before the batches are counted: what has ended tells nothing new.
            running = processes.stream().anyMatch(WorkerProcess::isRunning);
            processes.forEach(WorkerProcess::requireNoFailure);
            long batches = processes.stream().mapToLong(WorkerProcess::batches).sum();
            for (; seen < batches; seen++) {
                progress.step();
            }
            if (running) {
                pause();
            }
        }
    }

    private static void pause() {
        try {
            Thread.sleep(LOOK_MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancellationException("interrupted while waiting for workers");
        }
    }

    private static Path temporaryFolder() {
        try {
            return Files.createTempDirectory("backpack-workers");
        } catch (IOException e) {
            throw new BackpackException(
                    CliProblems.WORKER_FAILED,
                    "There is no room for the workers' files in '%s': %s. Name another place with -Djava.io.tmpdir=DIR in BACKPACK_OPTS."
                            .formatted(System.getProperty("java.io.tmpdir"), e.getMessage()),
                    e);
        }
    }

    private static void stop(List<WorkerProcess> processes, Path folder) {
        processes.forEach(WorkerProcess::stop);
        if (!Files.exists(folder)) {
            return;
        }
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
