// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.bench;

import static java.util.Objects.requireNonNull;

import io.backpack4j.cli.console.Text;
import io.backpack4j.cli.options.CockpitConfigurations;
import io.backpack4j.cli.options.DataNames;
import io.backpack4j.cli.options.DtypeOption;
import io.backpack4j.cli.options.Installed;
import io.backpack4j.cli.options.LossOption;
import io.backpack4j.cli.options.MemoryOption;
import io.backpack4j.cli.options.PositiveInteger;
import io.backpack4j.cli.options.PrecisionOption;
import io.backpack4j.cli.options.Requests;
import io.backpack4j.cli.options.RootCommand;
import io.backpack4j.cli.options.SeedOption;
import io.backpack4j.cli.options.Version;
import io.backpack4j.cli.timing.Durations;
import io.backpack4j.cli.timing.Stopwatch;
import io.backpack4j.cli.timing.WarmUp;
import io.backpack4j.formats.ExtensionExpression;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Request;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.training.files.DataSets;
import io.backpack4j.training.files.TrainingExpressions;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Measures how long passes take. */
@Command(
        name = "bench",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        description =
                "Time a pass with extensions, and the gradient alone, on a network of DeepOBS, or a small one, with random inputs; or on a model and data in files.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  backpack bench --problem logreg --batch 512 --extensions BatchGrad,Variance",
            "  backpack bench --problem 3c3d --batch 128 --extensions gradient --threads 2 --json",
            "  backpack bench --model m.json --data d.safetensors --extensions KFAC --json",
            "  backpack bench --model net.onnx --loss 'CrossEntropyLoss(reduction=mean)' --data images.idx,labels.idx --batch 64",
            "  backpack bench --problem mnist_mlp --batch 128 --cockpit economy --json",
            "  backpack bench --problem lenet --batch 64 --train --optimizer 'SGD(lr=0.1,momentum=0.9)' --json"
        })
public final class BenchCommand implements Runnable {

    private static final String GRADIENT = "gradient";

    @ParentCommand
    private RootCommand main;

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--problem",
            paramLabel = "NAME",
            converter = BenchProblem.Converter.class,
            completionCandidates = BenchProblem.Names.class,
            description = "One of ${COMPLETION-CANDIDATES}, with random inputs; needs --batch.")
    private @Nullable BenchProblem problem;

    @Option(
            names = "--batch",
            paramLabel = "N",
            converter = PositiveInteger.class,
            description =
                    "Samples per batch of --problem; of --data, unless that is safetensors, how many are taken, all by default.")
    private @Nullable Integer samples;

    @Mixin
    private final LossOption loss = new LossOption();

    @Option(names = "--model", paramLabel = "FILE", description = "Any other network, as JSON or ONNX; needs --data.")
    private @Nullable Path modelFile;

    @Option(
            names = "--data",
            paramLabel = "DATA",
            completionCandidates = DataNames.class,
            description =
                    "Inputs, target and parameters of --model, as safetensors, whose samples are all the batch; or what train takes, IMAGES,LABELS as IDX files, say."
                            + " Parameters that no file has are drawn.")
    private @Nullable String data;

    @Option(
            names = "--extensions",
            paramLabel = "A,B,...",
            defaultValue = GRADIENT,
            completionCandidates = Installed.Extensions.class,
            description = "What to compute, or '" + GRADIENT + "' (the default) for nothing beside it.")
    private String extensions;

    @Option(
            names = "--products",
            paramLabel = "MATRIX,...",
            split = ",",
            completionCandidates = BenchProducts.Names.class,
            description =
                    "Time products of a vector with matrices of the whole network too, which stays linearised: ggn, hessian,"
                            + " pch_clip, pch_abs, fisher.")
    private List<String> products = List.of();

    @Option(names = "--train", description = "Time a step of training and its update too.")
    private boolean trains;

    @Option(
            names = "--optimizer",
            paramLabel = "OPTIMIZER",
            defaultValue = "Adam(lr=1e-3)",
            description = "What makes the updates of --train. ${DEFAULT-VALUE} by default.")
    private String optimizer;

    @Option(
            names = "--cockpit",
            paramLabel = "SET",
            converter = CockpitConfigurations.class,
            completionCandidates = CockpitConfigurations.class,
            description =
                    "Time steps of gradient descent too, plain and with a cockpit that tracks each of them: economy, business or full.")
    private @Nullable String cockpit;

    @Option(
            names = "--repetitions",
            paramLabel = "N",
            defaultValue = "5",
            converter = PositiveInteger.class,
            description =
                    "How many passes are timed after the warm-up, each with the memory that the results before gave back."
                            + " ${DEFAULT-VALUE} by default.")
    private int repetitions;

    @Option(
            names = "--warm-up",
            paramLabel = "SECONDS",
            converter = PositiveInteger.class,
            description =
                    "How many seconds every kind of pass runs before it is timed, instead of until its times have settled:"
                            + " until a second brings no quarter of a second whose median is 5 %% below the least one"
                            + " before, or for ten seconds.")
    private @Nullable Integer warmUpSeconds;

    @Mixin
    private final DtypeOption dtype = new DtypeOption();

    @Mixin
    private final SeedOption seed = new SeedOption();

    @Mixin
    private final MemoryOption memory = new MemoryOption();

    @Mixin
    private final PrecisionOption precision = new PrecisionOption();

    @Option(
            names = "--idle-memory",
            description = "Print the memory before the first plan, and the planned peak, too. --memory does so anyway.")
    private boolean idleMemory;

    @Option(names = "--json", description = "Print one JSON object.")
    private boolean json;

    @Override
    public void run() {
        requireOneNetwork();
        // Measured is what the machine does by itself: threads of the CPU backend wait as libgomp has them wait.
        System.getProperties().putIfAbsent("backpack.cpu.spin_count", "system");
        if (trains && cockpit != null) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "--train and --cockpit both time steps. Ask for one after the other.");
        }
        List<ExtensionExpression> expressions =
                extensions.strip().equals(GRADIENT) ? List.of() : Requests.parse(extensions);
        try (BackPack backpack = main.open()) {
            List<Request<?>> requests = Requests.of(backpack.catalog(), expressions, List.of());
            try (BenchNetwork network = network(backpack)) {
                double idle = PeakMemory.currentMebibytes();
                PassOptions options = memory.limit(precision.apply(PassOptions.DEFAULT));
                Plan gradient = network.plan(backpack, List.of(), options);
                Plan pass = network.plan(backpack, requests, options);
                Stopwatch stopwatch = warmUpSeconds == null
                        ? Stopwatch.untilSettled(network.batch())
                        : new Stopwatch(network.batch(), warmUpSeconds);
                List<Durations> times = measure(stopwatch, backpack, network, gradient, pass, requests, options);
                BenchReport report = new BenchReport(
                        network.name(),
                        Math.toIntExact(network.batch().samples()),
                        backpack.backend().id(),
                        Text.of(dtype.value()),
                        main.threads(),
                        expressions.stream().map(ExtensionExpression::toString).toList(),
                        repetitions,
                        WarmUp.of(stopwatch.warmUps()),
                        times.get(0),
                        times.get(1),
                        products,
                        times.subList(2, 2 + products.size()),
                        cockpit == null
                                ? Optional.empty()
                                : Optional.of(new BenchReport.Tracking(
                                        cockpit, times.get(times.size() - 2), times.get(times.size() - 1))),
                        trains
                                ? Optional.of(new BenchReport.Training(
                                        optimizer, times.get(times.size() - 2), times.get(times.size() - 1)))
                                : Optional.empty(),
                        PeakMemory.mebibytes(),
                        idleMemory || memory.isLimited()
                                ? Optional.of(new BenchReport.Budget(idle, pass.peakBytes() / (double) (1 << 20)))
                                : Optional.empty());
                PrintWriter out = spec.commandLine().getOut();
                if (json) {
                    out.println(report.toJson());
                } else {
                    report.print(out);
                }
                out.flush();
            }
        }
    }

    private void requireOneNetwork() {
        boolean ships = problem != null && samples != null && modelFile == null && data == null;
        boolean isRead =
                problem == null && modelFile != null && data != null && (samples == null || DataSets.isDataSet(data));
        if (!ships && !isRead) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "bench takes either --problem NAME --batch N, or --model FILE --data FILE, whose samples are the batch, the first --batch N of a data set; but was given %s. Name both of one pair, and none of the other."
                            .formatted(given()));
        }
    }

    private String given() {
        List<String> given = new ArrayList<>();
        Map<String, @Nullable Object> all = new LinkedHashMap<>();
        all.put("--problem", problem);
        all.put("--batch", samples);
        all.put("--model", modelFile);
        all.put("--data", data);
        all.forEach((name, value) -> {
            if (value != null) {
                given.add(name);
            }
        });
        return given.isEmpty() ? "none of them" : String.join(", ", given);
    }

    private BenchNetwork network(BackPack backpack) {
        return problem == null
                ? BenchNetwork.read(
                        backpack,
                        loss,
                        requireNonNull(modelFile),
                        requireNonNull(data),
                        dtype.value(),
                        samples,
                        seed.value())
                : BenchNetwork.of(backpack, problem, dtype.value(), requireNonNull(samples), seed.value());
    }

    private List<Durations> measure(
            Stopwatch stopwatch,
            BackPack backpack,
            BenchNetwork on,
            Plan gradient,
            Plan pass,
            List<Request<?>> requests,
            PassOptions options) {
        Model model = on.model();
        Batch batch = on.batch();
        List<Runnable> works = new ArrayList<>(List.of(stopwatch.pass(gradient), stopwatch.pass(pass)));
        try (BenchProducts network = products.isEmpty() ? null : new BenchProducts(backpack, model, batch, products);
                BenchTraining training = trains
                        ? new BenchTraining(
                                backpack,
                                model,
                                batch,
                                requests,
                                options,
                                TrainingExpressions.optimizer(backpack.catalog(), optimizer))
                        : null;
                BenchCockpit tracking =
                        cockpit == null ? null : new BenchCockpit(backpack, model, batch, gradient, cockpit)) {
            if (network != null) {
                works.addAll(network.works());
            }
            if (training != null) {
                works.add(training.step());
                works.add(training.update());
            }
            if (tracking != null) {
                works.add(tracking.plain());
                works.add(tracking.tracked());
            }
            return stopwatch.measure(repetitions, () -> {}, works);
        }
    }
}
