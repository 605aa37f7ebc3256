// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.evaluate;

import io.backpack4j.cli.console.Progress;
import io.backpack4j.cli.console.Text;
import io.backpack4j.cli.files.ResultFile;
import io.backpack4j.cli.options.TableColumns;
import io.backpack4j.formats.SessionFile;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.PerSample;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.RunOperands;
import io.backpack4j.kernel.SampleIds;
import io.backpack4j.kernel.Session;
import io.backpack4j.kernel.SessionOptions;
import io.backpack4j.spi.MemoryAmount;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.training.data.BatchData;
import io.backpack4j.training.data.Batches;
import io.backpack4j.training.data.TableRequest;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import picocli.CommandLine.Model.CommandSpec;

/**
 * Evaluates the rows of a table, which are more than a batch: a session over all of them, in this process, or in
 * several whose sessions are merged.
 */
final class TableEvaluation {

    private final BackPack backpack;
    private final CommandSpec spec;
    private final Settings settings;

    /**
     * What does not depend on the table.
     *
     * @param requests what is computed
     * @param pass how the pass of a batch is made
     * @param planned the same without a budget
     * @param seed of random draws
     * @param out the result file, or that of the session of one part
     * @param finite whether all results must be finite
     * @param most how large results may be
     * @param threads how many there are
     */
    record Settings(
            List<Request<?>> requests,
            PassOptions pass,
            PassOptions planned,
            long seed,
            Path out,
            boolean finite,
            MemoryAmount most,
            int threads) {}

    TableEvaluation(BackPack backpack, CommandSpec spec, Settings settings) {
        this.backpack = backpack;
        this.spec = spec;
        this.settings = settings;
    }

    /**
     * Evaluates.
     *
     * @param part what this process evaluates for another one
     * @param metadata of the result file
     */
    void run(
            TableModel tableModel,
            TableRequest request,
            Optional<TablePart> part,
            int workers,
            Map<String, String> metadata) {
        try (Batches batches = open(request)) {
            BatchData first = batches.read(1, 0);
            Shape sample = Objects.requireNonNull(first.inputs().get(request.input()))
                    .shape()
                    .dropFirst(1);
            try (Model model = tableModel.open(backpack, sample)) {
                TableResults expected = TableResults.of(
                        backpack, model, settings.requests(), settings.planned(), first, batches.samplesPerEpoch());
                OutputSize.of(expected.types()).require(settings.most());
                if (part.isPresent()) {
                    work(model, batches, first, request, expected, part.get());
                } else if (expected.perSample() && expected.bySample()) {
                    writeRows(model, request, expected, workers, metadata);
                } else {
                    try (Session session = session(model, request, expected)) {
                        accumulate(session, model, batches, first, request, workers);
                        write(session, request, metadata);
                    }
                }
            }
        }
    }

    private Batches open(TableRequest request) {
        return TableColumns.reader(backpack.catalog()).open(request);
    }

    /** Evaluates a part for another process, which takes the session's file, and that of results of rows. */
    private void work(
            Model model, Batches batches, BatchData first, TableRequest request, TableResults results, TablePart part) {
        PrintWriter out = spec.commandLine().getOut();
        Runnable told = () -> WorkerProcess.tell(out);
        if (part.order().isEmpty()) {
            try (Session session = session(model, request, results)) {
                new TableRows(backpack, model, session::add).add(batches, first, told);
                SessionFile.save(session, settings.out());
            }
            return;
        }
        TableResults expected = named(results, request, batches.samplesPerEpoch());
        Path rows = WorkerProcess.rowsBeside(settings.out());
        try (ResultFile file = ResultFile.open(rows, RowResults.only(expected), Map.of(), settings.finite());
                Session session = handingOver(model)) {
            RowResults taken = new RowResults(expected, file, backpack.backend());
            addRows(model, session, batches, first, part.order().get().factor(), taken, told);
            file.commit();
            SessionFile.save(session, settings.out());
        }
    }

    private static TableResults named(TableResults results, TableRequest request, long samples) {
        return request.id().isPresent() ? RowResults.named(results, samples) : results;
    }

    /** Ids that ascend, which is looked at here, need no keeping. */
    private Session handingOver(Model model) {
        SessionOptions options = SessionOptions.DEFAULT
                .pass(settings.pass())
                .seed(settings.seed())
                .perSample(PerSample.HAND_OVER)
                .ids(SampleIds.NONE);
        return backpack.session(model, settings.requests(), options);
    }

    private void addRows(
            Model model,
            Session session,
            Batches batches,
            BatchData first,
            double factor,
            RowResults taken,
            Runnable added) {
        new TableRows(
                        backpack,
                        model,
                        batch -> session.add(batch, RunOperands.NONE, factor, made -> taken.take(made, batch)))
                .add(batches, first, added);
    }

    /** Writes what rows have as it comes, in the order of ids: nothing of it is kept. */
    private void writeRows(
            Model model, TableRequest given, TableResults results, int workers, Map<String, String> metadata) {
        TableScan scan = TableScan.of(backpack, model, given);
        TablePart.Order order = new TablePart.Order(scan.factor(), !scan.ascending());
        TableRequest request = order.ofIds() ? given.inOrderOfIds() : given;
        try (Batches batches = open(request)) {
            TableResults expected = named(results, request, batches.samplesPerEpoch());
            describe(metadata, expected.types(), batches.samplesPerEpoch());
            try (ResultFile file = ResultFile.open(settings.out(), expected.types(), metadata, settings.finite());
                    Session session = handingOver(model)) {
                RowResults taken = new RowResults(expected, file, backpack.backend());
                try (Progress progress = progress(batches)) {
                    if (isForOne(batches, workers)) {
                        BatchData first = batches.read(1, 0);
                        addRows(model, session, batches, first, order.factor(), taken, progress::step);
                    } else {
                        List<TablePart> parts = parts(batches, request, workers, Optional.of(order));
                        new Workers(spec, settings.threads()).run(parts, session, Optional.of(taken), progress);
                    }
                }
                requireAll(session, batches);
                try (Results made = session.results()) {
                    made.tensors().forEach(file::write);
                    file.commit();
                    print(session, expected.types(), made);
                }
            }
        }
    }

    private static boolean isForOne(Batches batches, int workers) {
        return workers == 1 || batches.perEpoch() == 1;
    }

    /** Parts end where batches do. */
    private static List<TablePart> parts(
            Batches batches, TableRequest request, int workers, Optional<TablePart.Order> order) {
        return Workers.parts(batches.samplesPerEpoch(), request.batch(), workers).stream()
                .map(rows -> new TablePart(rows, order))
                .toList();
    }

    private static void requireAll(Session session, Batches batches) {
        if (session.samples() != batches.samplesPerEpoch()) {
            throw new IllegalStateException("%d of %d samples".formatted(session.samples(), batches.samplesPerEpoch()));
        }
    }

    private static void describe(Map<String, String> metadata, Map<String, Plan.ResultType> types, long samples) {
        metadata.put("dtype", Text.of(Objects.requireNonNull(types.get("loss")).dtype()));
        metadata.put("samples", String.valueOf(samples));
    }

    private void print(Session session, Map<String, Plan.ResultType> types, Results results) {
        PrintWriter out = spec.commandLine().getOut();
        out.println("%d samples in %d batches".formatted(session.samples(), session.batches()));
        ResultSummary.print(out, types, results, settings.out());
    }

    private static Progress progress(Batches batches) {
        return new Progress("evaluating", (int) Math.min(Integer.MAX_VALUE, batches.perEpoch()));
    }

    /**
     * Opens a session. Its state grows with the rows if there are results per sample, or if ids are given that are not
     * neighbours.
     */
    private Session session(Model model, TableRequest request, TableResults expected) {
        boolean tracked = expected.perSample() && request.id().isPresent();
        SessionOptions options = SessionOptions.DEFAULT
                .pass(settings.pass())
                .seed(settings.seed())
                .perSample(expected.perSample() ? PerSample.KEEP : PerSample.DROP)
                .ids(tracked ? SampleIds.TRACKED : SampleIds.RANGES);
        return backpack.session(model, settings.requests(), options);
    }

    private void accumulate(
            Session session, Model model, Batches batches, BatchData first, TableRequest request, int workers) {
        try (Progress progress = progress(batches)) {
            if (isForOne(batches, workers)) {
                new TableRows(backpack, model, session::add).add(batches, first, progress::step);
            } else {
                List<TablePart> parts = parts(batches, request, workers, Optional.empty());
                new Workers(spec, settings.threads()).run(parts, session, Optional.empty(), progress);
            }
        }
        requireAll(session, batches);
    }

    private void write(Session session, TableRequest request, Map<String, String> metadata) {
        try (Results results = session.results();
                TensorScope scope = backpack.backend().openScope()) {
            SortedMap<String, Tensor> tensors = new TreeMap<>(results.tensors());
            // Where nothing is per sample, there are no losses either.
            if (request.id().isPresent() && tensors.containsKey(TableResults.LOSSES)) {
                tensors.put(RowResults.SAMPLE_IDS, RowResults.tensor(scope, session.sampleIds()));
            }
            SortedMap<String, Plan.ResultType> types = new TreeMap<>();
            tensors.forEach((name, tensor) -> types.put(name, new Plan.ResultType(tensor.dtype(), tensor.shape())));
            describe(metadata, types, session.samples());
            try (ResultFile file = ResultFile.open(settings.out(), types, metadata, settings.finite())) {
                tensors.forEach(file::write);
                file.commit();
            }
            print(session, types, results);
        }
    }
}
