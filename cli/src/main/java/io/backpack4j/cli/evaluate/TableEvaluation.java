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
import io.backpack4j.spi.tensor.DType;
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
import java.util.SortedMap;
import java.util.TreeMap;
import picocli.CommandLine.Model.CommandSpec;

/**
 * Evaluates the rows of a table, which are more than a batch: a session over all of them, in this process, or in
 * several whose sessions are merged.
 */
final class TableEvaluation {

    /** The ids of the samples, {@code [N]}, in the order of results per sample. */
    private static final String SAMPLE_IDS = "*/sample_ids";

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
     * @param metadata of the result file
     */
    void run(TableModel tableModel, TableRequest request, int workers, Map<String, String> metadata) {
        try (Batches batches = TableColumns.reader(backpack.catalog()).open(request)) {
            BatchData first = batches.read(1, 0);
            Shape sample = Objects.requireNonNull(first.inputs().get(request.input()))
                    .shape()
                    .dropFirst(1);
            try (Model model = tableModel.open(backpack, sample)) {
                TableResults expected = TableResults.of(
                        backpack, model, settings.requests(), settings.planned(), first, batches.samplesPerEpoch());
                OutputSize.of(expected.types()).require(settings.most());
                boolean bySample = expected.perSample() && expected.bySample();
                if (bySample && request.rows().isEmpty() && workers == 1) {
                    TableScan scan = TableScan.of(backpack, model, request);
                    if (scan.ascending()) {
                        write(model, batches, first, request, expected, scan.factor(), metadata);
                        return;
                    }
                }
                try (Session session = session(model, request, expected)) {
                    TableRows rows = new TableRows(backpack, model, session::add);
                    if (request.rows().isPresent()) {
                        PrintWriter out = spec.commandLine().getOut();
                        rows.add(batches, first, () -> WorkerProcess.tell(out));
                        SessionFile.save(session, settings.out());
                        return;
                    }
                    accumulate(session, rows, batches, first, request, workers);
                    write(session, request, metadata);
                }
            }
        }
    }

    /** Writes what rows have as it comes, where it belongs: nothing of it is kept. */
    private void write(
            Model model,
            Batches batches,
            BatchData first,
            TableRequest request,
            TableResults results,
            double factor,
            Map<String, String> metadata) {
        // Ids that ascend are known not to stand twice.
        SessionOptions options = SessionOptions.DEFAULT
                .pass(settings.pass())
                .seed(settings.seed())
                .perSample(PerSample.HAND_OVER)
                .ids(SampleIds.NONE);
        boolean named = request.id().isPresent();
        Plan.ResultType ids = new Plan.ResultType(DType.INT64, Shape.of(batches.samplesPerEpoch()));
        TableResults expected = named ? results.with(SAMPLE_IDS, ids) : results;
        describe(metadata, expected.types(), batches.samplesPerEpoch());
        try (ResultFile file = ResultFile.open(settings.out(), expected.types(), metadata, settings.finite());
                Session session = backpack.session(model, settings.requests(), options)) {
            RowResults taken = new RowResults(expected, file);
            TableRows rows = new TableRows(backpack, model, batch -> {
                try (TensorScope scope = backpack.backend().openScope()) {
                    Map<String, Tensor> others = named ? Map.of(SAMPLE_IDS, ids(scope, batch.sampleIds())) : Map.of();
                    session.add(batch, RunOperands.NONE, factor, made -> taken.take(made, others, batch.samples()));
                }
            });
            try (Progress progress = progress(batches)) {
                rows.add(batches, first, progress::step);
            }
            try (Results made = session.results()) {
                made.tensors().forEach(file::write);
                file.commit();
                print(session, expected.types(), made);
            }
        }
    }

    private static Tensor ids(TensorScope scope, long[] ids) {
        Tensor tensor = scope.allocate(Shape.of(ids.length), DType.INT64);
        tensor.write(0, ids, 0, ids.length);
        return tensor;
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
            Session session, TableRows rows, Batches batches, BatchData first, TableRequest request, int workers) {
        try (Progress progress = progress(batches)) {
            if (workers == 1 || batches.perEpoch() == 1) {
                rows.add(batches, first, progress::step);
                return;
            }
            // Parts end where batches do.
            long size = request.batch();
            List<TableRequest.Rows> parts = Workers.parts(batches.samplesPerEpoch(), size, workers);
            new Workers(spec, settings.threads()).run(parts, session, progress);
        }
        if (session.samples() != batches.samplesPerEpoch()) {
            throw new IllegalStateException("%d of %d samples".formatted(session.samples(), batches.samplesPerEpoch()));
        }
    }

    private void write(Session session, TableRequest request, Map<String, String> metadata) {
        try (Results results = session.results();
                TensorScope scope = backpack.backend().openScope()) {
            SortedMap<String, Tensor> tensors = new TreeMap<>(results.tensors());
            // Where nothing is per sample, there are no losses either.
            if (request.id().isPresent() && tensors.containsKey(TableResults.LOSSES)) {
                tensors.put(SAMPLE_IDS, ids(scope, session.sampleIds()));
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
