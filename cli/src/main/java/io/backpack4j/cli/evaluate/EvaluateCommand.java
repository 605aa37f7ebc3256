// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.evaluate;

import io.backpack4j.cli.console.Progress;
import io.backpack4j.cli.console.Text;
import io.backpack4j.cli.files.ResultFile;
import io.backpack4j.cli.options.DataNames;
import io.backpack4j.cli.options.FileDtypeOption;
import io.backpack4j.cli.options.Installed;
import io.backpack4j.cli.options.MemoryAmounts;
import io.backpack4j.cli.options.MemoryOption;
import io.backpack4j.cli.options.ModelOption;
import io.backpack4j.cli.options.NanOption;
import io.backpack4j.cli.options.PassModes;
import io.backpack4j.cli.options.PrecisionOption;
import io.backpack4j.cli.options.Requests;
import io.backpack4j.cli.options.RootCommand;
import io.backpack4j.cli.options.SeedOption;
import io.backpack4j.cli.options.StatisticsKinds;
import io.backpack4j.cli.options.TableColumns;
import io.backpack4j.cli.options.Version;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.BatchStatistics;
import io.backpack4j.kernel.PassListener;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.RunOperands;
import io.backpack4j.kernel.RunOptions;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.MemoryAmount;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.training.files.DataSets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Computes extensions for a model and a batch that files hold. */
@Command(
        name = "evaluate",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        description = "Compute extensions for a model and data in files, and write the results to a file.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  backpack evaluate --model m.json --data d.safetensors --extensions BatchGrad,Variance \\",
            "                    --out r.safetensors",
            "  backpack evaluate --model m.json --data d.safetensors --out r.safetensors --memory 2GiB \\",
            "                    --extensions 'BatchGrad(subsampling=[0,2],as=two),Variance(parameters=[0.*])'"
        })
public final class EvaluateCommand implements Runnable {

    @ParentCommand
    private RootCommand main;

    @Spec
    private CommandSpec spec;

    @Mixin
    private final ModelOption model = new ModelOption();

    @Option(
            names = "--data",
            paramLabel = "FILE",
            completionCandidates = DataNames.class,
            description =
                    "Inputs, target and parameters, as safetensors; no parameters for a model whose file has them, as ONNX. Or images and labels as train takes them, IMAGES,LABELS as IDX, say, with parameters of the model's file, a run, or --weights. Or a table: files in Parquet, CSV or JSON, with commas between them or patterns such as 'part-*.parquet', whose rows are evaluated batch by batch.")
    private @Nullable String data;

    @Mixin
    private final TableOptions table = new TableOptions();

    @Option(
            names = "--extensions",
            paramLabel = "A,B,...",
            defaultValue = "",
            completionCandidates = Installed.Extensions.class,
            description =
                    "What to compute beside the gradient. Options stand in brackets: BatchGrad(subsampling=[0,2]). Every"
                            + " extension takes as=NAME and parameters=[GLOB,...].")
    private String extensions;

    @Option(
            names = "--out",
            paramLabel = "FILE",
            description =
                    "The result file: safetensors, or npz for NumPy. Results of single samples go there as they are ready, if there is a"
                            + " memory budget. Only with --check may it be left out.")
    private @Nullable Path resultFile;

    @Option(
            names = "--check",
            description =
                    "Compare loss, output and gradients with check/loss, check/output and check/PARAMETER/grad of the data file, in float64 unless --dtype"
                            + " says otherwise, and fail where they differ.")
    private boolean check;

    @Mixin
    private final FileDtypeOption dtype = new FileDtypeOption();

    @Mixin
    private final SeedOption seed = new SeedOption();

    @Mixin
    private final MemoryOption memory = new MemoryOption();

    @Mixin
    private final PrecisionOption precision = new PrecisionOption();

    @Option(
            names = "--mode",
            paramLabel = "MODE",
            converter = PassModes.class,
            completionCandidates = PassModes.class,
            description =
                    "train or eval, for all nodes, whatever the model says. By default what it says, or else train. Files never change.")
    private @Nullable Mode mode;

    @Option(
            names = "--statistics",
            paramLabel = "KIND",
            defaultValue = "differentiated",
            converter = StatisticsKinds.class,
            completionCandidates = StatisticsKinds.class,
            description =
                    "What derivatives make of a batch norm's mean and variance in train mode: differentiated (the default), or"
                            + " constant, which gives quantities of single samples.")
    private BatchStatistics statistics;

    @Mixin
    private final NanOption nan = new NanOption();

    @Option(
            names = "--parameters",
            paramLabel = "GLOB",
            split = ",",
            description =
                    "Compute extensions for matching parameters only, such as 0.*; gradients are always complete.")
    private List<String> patterns = List.of();

    @Option(
            names = "--max-output",
            paramLabel = "SIZE",
            defaultValue = "8GiB",
            converter = MemoryAmounts.class,
            description =
                    "The most that the results may take in the file, such as 512MiB; what is larger is refused before it is"
                            + " computed. ${DEFAULT-VALUE} by default. From 1GiB on, the size is announced.")
    private MemoryAmount maxOutput;

    @Override
    public void run() {
        Problems problems = new Problems();
        List<Request<?>> requests = new ArrayList<>();
        Path out = resultFile;
        requireData();
        if (out == null && !check) {
            throw new ParameterException(spec.commandLine(), "Missing required option: '--out=FILE'");
        }
        if (out != null) {
            problems.collect(() -> ResultFile.requireEnding(out));
            problems.collect(() -> ResultFile.requireOther(out, model.file()));
        }
        problems.collect(this::requireUse);
        if (table.isTable(data)) {
            runOverTable(problems);
            return;
        }
        String named = String.valueOf(data);
        boolean isSet = DataSets.isDataSet(named);
        problems.collect(() -> table.requireNone(named, isSet));
        if (isSet) {
            problems.collect(() -> requireNoCheck("data of that kind"));
        } else if (out != null) {
            problems.collect(() -> ResultFile.requireOther(out, Path.of(named)));
        }
        try (BackPack backpack = main.open()) {
            problems.collect(
                    () -> requests.addAll(Requests.of(backpack.catalog(), Requests.parse(extensions), patterns)));
            try (EvaluateInputs inputs =
                    EvaluateInputs.read(backpack, model, named, table.weights(), dtype(), problems)) {
                Plan plan = inputs.plan(backpack, requests, options(requests));
                Map<String, String> metadata = metadata(
                        inputs.json(), inputs.dtype(), backpack.backend().id());
                if (plan.statistics() == BatchStatistics.CONSTANT) {
                    metadata.put("statistics", "constant");
                }
                Backend backend = backpack.backend();
                ProductVectors vectors = ProductVectors.of(inputs.data(), plan);
                try (TensorScope scope = backend.openScope()) {
                    RunOperands operands = inputs.operands(scope);
                    evaluate(backend, plan, vectors, inputs.batch(), operands, metadata);
                }
            }
        }
    }

    private void requireData() {
        if (data == null && !table.columns().isQuery()) {
            throw new ParameterException(spec.commandLine(), "Missing required option: '--data=FILE' or '--sql=QUERY'");
        }
        if (data != null && table.columns().isQuery()) {
            throw new ParameterException(
                    spec.commandLine(), "--data and --sql exclude each other: name the files in the query");
        }
    }

    private void runOverTable(Problems problems) {
        problems.collect(table.columns()::requireColumns);
        problems.collect(() -> requireNoCheck("a table"));
        table.weights().ifPresent(file -> problems.collect(() -> ResultFile.requireOther(output(), file)));
        List<Request<?>> requests = new ArrayList<>();
        try (BackPack backpack = main.open()) {
            problems.collect(
                    () -> requests.addAll(Requests.of(backpack.catalog(), Requests.parse(extensions), patterns)));
            problems.collect(() -> TableColumns.reader(backpack.catalog()));
            List<TableModel> models = new ArrayList<>();
            problems.collect(() -> models.add(TableModel.read(backpack, model, table.weights(), dtype.value())));
            problems.throwIfAny();
            TableModel read = models.get(0);
            PassOptions planned = moded(wholePass());
            TableEvaluation.Settings settings = new TableEvaluation.Settings(
                    requests,
                    memory.limit(planned),
                    planned,
                    seed.value(),
                    output(),
                    nan.requiresFinite(),
                    maxOutput,
                    main.threads());
            new TableEvaluation(backpack, spec, settings)
                    .run(
                            read,
                            read.request(backpack, table, data),
                            table.part(),
                            table.workers(),
                            metadata(
                                    read.source().json(),
                                    read.dtype(),
                                    backpack.backend().id()));
        }
    }

    private Path output() {
        return Objects.requireNonNull(resultFile);
    }

    private void requireNoCheck(String what) {
        if (check) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "--check compares with tensors of a safetensors file, which %s has not. Leave it out."
                            .formatted(what));
        }
    }

    private void evaluate(
            Backend backend,
            Plan plan,
            ProductVectors vectors,
            Batch batch,
            RunOperands operands,
            Map<String, String> metadata) {
        SortedMap<String, Plan.ResultType> types = new TreeMap<>(plan.results());
        types.putAll(vectors.results(dtypeOf(plan)));
        Path out = resultFile;
        if (out == null) {
            try (Results results = run(plan, batch, operands, RunOptions.seed(seed.value()))) {
                check(results, plan);
            }
            return;
        }
        OutputSize size = OutputSize.of(types);
        size.require(maxOutput);
        size.announce(out, spec.commandLine().getErr());
        try (ResultFile file = ResultFile.open(out, types, metadata, nan.requiresFinite());
                Results results =
                        run(plan, batch, operands, RunOptions.seed(seed.value()).taker(file::write))) {
            if (check) {
                check(results, plan);
            }
            boolean smaller = results.tensors().entrySet().stream()
                    .anyMatch(result -> !Objects.requireNonNull(types.get(result.getKey()))
                            .shape()
                            .equals(result.getValue().shape()));
            if (smaller) {
                file.close();
                results.tensors()
                        .forEach(
                                (name, tensor) -> types.put(name, new Plan.ResultType(tensor.dtype(), tensor.shape())));
                try (ResultFile other = ResultFile.open(out, types, metadata, nan.requiresFinite())) {
                    write(backend, plan, vectors, results, other);
                }
            } else {
                write(backend, plan, vectors, results, file);
            }
            ResultSummary.print(spec.commandLine().getOut(), types, results, out);
        }
    }

    private static void write(Backend backend, Plan plan, ProductVectors vectors, Results results, ResultFile file) {
        file.write(results);
        vectors.multiply(backend, results, dtypeOf(plan), file::write);
        file.commit();
    }

    /** Fails before anything is in its place. */
    private void check(Results results, Plan plan) {
        ReferenceCheck found = ReferenceCheck.of(Path.of(data), results.tensors(), dtypeOf(plan));
        found.require();
        found.print(spec.commandLine().getOut());
        spec.commandLine().getOut().flush();
    }

    private @Nullable DType dtype() {
        return check && dtype.value() == null ? DType.FLOAT64 : dtype.value();
    }

    private Results run(Plan plan, Batch batch, RunOperands operands, RunOptions options) {
        try (Progress progress = new Progress("evaluating", (int) Math.min(Integer.MAX_VALUE, plan.steps()))) {
            RunOptions listening = options.listener(new PassListener() {
                @Override
                public void forward(String node) {
                    progress.step();
                }

                @Override
                public void backward(String node, String signal) {
                    progress.step();
                }
            });
            return plan.run(batch, listening.operands(operands));
        }
    }

    private Map<String, String> metadata(String json, DType type, String backend) {
        Map<String, String> metadata = new LinkedHashMap<>();
        metadata.put("source", Version.program());
        metadata.put("model", json);
        metadata.put("extensions", extensions);
        metadata.put("dtype", Text.of(type));
        metadata.put("seed", String.valueOf(seed.value()));
        metadata.put("backend", backend);
        if (mode != null) {
            metadata.put("mode", Text.of(mode));
        }
        precision.addTo(metadata);
        return metadata;
    }

    private static DType dtypeOf(Plan plan) {
        return Objects.requireNonNull(plan.results().get("loss")).dtype();
    }

    /**
     * Results leave the pass part by part, unless they are compared, or the file can be laid out only when their sizes
     * are known.
     */
    private PassOptions options(List<Request<?>> requests) {
        PassOptions whole = wholePass();
        PassOptions options = check || haveVariableSizes(requests) ? whole : whole.handingOver();
        return memory.limit(moded(options));
    }

    private PassOptions wholePass() {
        return precision.apply(
                PassOptions.DEFAULT.nan(nan.policy()).statistics(statistics).updateBuffers(false));
    }

    private PassOptions moded(PassOptions options) {
        return mode == null ? options : options.mode(mode);
    }

    private static boolean haveVariableSizes(List<Request<?>> requests) {
        return requests.stream().anyMatch(request -> request.extension().hasVariableSizes());
    }

    /** Patterns that no extension takes would be ignored in silence. */
    private void requireUse() {
        boolean used = Requests.parse(extensions).stream()
                .anyMatch(expression -> !expression.options().containsKey("parameters"));
        if (!patterns.isEmpty() && !used) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "--parameters names %s, but there is no extension that it restricts. Name extensions with --extensions, or leave it out."
                            .formatted(String.join(", ", patterns)));
        }
    }
}
