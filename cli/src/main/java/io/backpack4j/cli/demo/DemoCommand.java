// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.demo;

import io.backpack4j.cli.console.Progress;
import io.backpack4j.cli.console.Table;
import io.backpack4j.cli.console.Text;
import io.backpack4j.cli.files.FileNames;
import io.backpack4j.cli.files.ShippedText;
import io.backpack4j.cli.options.DataNames;
import io.backpack4j.cli.options.DtypeOption;
import io.backpack4j.cli.options.Installed;
import io.backpack4j.cli.options.LossOption;
import io.backpack4j.cli.options.PositiveInteger;
import io.backpack4j.cli.options.Requests;
import io.backpack4j.cli.options.RootCommand;
import io.backpack4j.cli.options.SeedOption;
import io.backpack4j.cli.options.Version;
import io.backpack4j.cli.report.Curvature;
import io.backpack4j.cli.report.HtmlReport;
import io.backpack4j.cli.report.Report;
import io.backpack4j.cli.timing.Durations;
import io.backpack4j.cli.timing.Stopwatch;
import io.backpack4j.formats.ExtensionExpression;
import io.backpack4j.formats.ModelSource;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.MemoryAmount;
import io.backpack4j.spi.backend.Availability;
import io.backpack4j.spi.tensor.Tensor;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Computes extensions for a classifier of handwritten digits, or what else is named, and writes a page about it. */
@Command(
        name = "demo",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        description =
                "Compute extensions for a small classifier on a batch of real handwritten digits, or for a model and"
                        + " data of your own, and write a page that shows the results.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  backpack demo",
            "  backpack demo --model lenet",
            "  backpack demo --model charlm",
            "  backpack demo --batch 6000 --dtype float64 --threads 2",
            "  backpack demo --model m.json --data images-idx3-ubyte.gz,labels-idx1-ubyte.gz --out m.html",
            "  backpack demo --model net.onnx --loss 'CrossEntropyLoss(reduction=mean)' --data images.idx,labels.idx"
        })
public final class DemoCommand implements Runnable {

    private static final int REPETITIONS = 20;
    private static final int FEWEST_REPETITIONS = 3;
    private static final double TIMING_MILLISECONDS = 6_000;

    /** What takes more memory is computed only if it is named. */
    private static final long MOST_BYTES = 192L << 20;

    @ParentCommand
    private RootCommand main;

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--model",
            paramLabel = "NAME|FILE",
            converter = DemoModel.Converter.class,
            completionCandidates = DemoModel.Names.class,
            description = "logreg (the default), a linear classifier of digits; lenet, a small convolutional network;"
                    + " charlm or charlm-lstm, a transformer or a recurrent network that predicts characters, trained for a moment;"
                    + " or a model of your own, as JSON or ONNX.")
    private @Nullable DemoModel model;

    @Option(
            names = "--data",
            paramLabel = "DATA",
            completionCandidates = DataNames.class,
            description = "What train takes, such as IMAGES,LABELS as IDX files; or one safetensors file as 'evaluate'"
                    + " takes it, with parameters. Digits of MNIST by default.")
    private @Nullable String data;

    @Mixin
    private final LossOption loss = new LossOption();

    @Option(
            names = "--extensions",
            paramLabel = "A,B,...",
            defaultValue = "",
            completionCandidates = Installed.Extensions.class,
            description =
                    "What to compute beside the gradient. By default all that the model supports in little memory.")
    private String extensions;

    @Option(
            names = "--batch",
            paramLabel = "N",
            converter = PositiveInteger.class,
            description = "How many images, or windows of a text. 512 by default, 128 for lenet, 32 for charlm;"
                    + " 6000 digits ship with this program.")
    private @Nullable Integer samples;

    @Option(
            names = "--steps",
            paramLabel = "K",
            converter = PositiveInteger.class,
            description = "How many steps charlm and charlm-lstm are trained before. 200 by default.")
    private @Nullable Integer steps;

    @Mixin
    private final DtypeOption dtype = new DtypeOption();

    @Mixin
    private final SeedOption seed = new SeedOption();

    @Option(
            names = "--out",
            paramLabel = "FILE",
            defaultValue = "backpack-demo.html",
            description = "The page to write. ${DEFAULT-VALUE} by default.")
    private Path page;

    @Override
    public void run() {
        FileNames.requireExtension("--out", page, "The page is written as html", ".html", ".htm");
        PrintWriter out = spec.commandLine().getOut();
        List<ExtensionExpression> expressions = Requests.parse(extensions);
        try (BackPack backpack = main.open();
                DemoData data = load(backpack)) {
            List<Report.Fact> facts = facts(backpack, data);
            printFacts(facts, out);
            List<String> leftOut = new ArrayList<>();
            List<Request<?>> requests = expressions.isEmpty()
                    ? possible(backpack, data, leftOut)
                    : Requests.of(backpack.catalog(), expressions, List.of());
            Plan plan = plan(backpack, data, requests);
            double first = new Stopwatch(data.batch()).time(plan);
            List<Report.Timing> timings = measure(backpack, data, requests, plan);
            try (Results results = plan.run(data.batch(), seed.value())) {
                out.println("loss     " + Text.number(results.loss()));
                out.println();
                printTensors(results.tensors(), out);
                DemoNames names = new DemoNames(backpack.catalog(), requests);
                DemoReport report = new DemoReport(data, results);
                Curvature curvature = report.curvature(
                        new DemoCurvature(backpack, data, results, names, expressions.isEmpty()), seed.value());
                DemoCurvature.print(curvature, out);
                HtmlReport.write(
                        report.report(
                                facts, names.of("Variance"), names.of("BatchL2Grad"), curvature, timings, leftOut),
                        page);
            }
            out.println();
            printTimings(timings, first, out);
            leftOut.forEach(problem -> out.println("left out: " + problem));
            out.println();
            out.println("The page " + page.toAbsolutePath() + " shows all of this. Open it in a browser.");
        }
        out.flush();
    }

    private DemoModel model() {
        return model == null ? DemoModel.standard() : model;
    }

    private DemoData load(BackPack backpack) {
        ModelSource source = model().source(backpack.catalog(), loss);
        if (model().isOfCharacters() && data == null) {
            int count = steps == null ? DemoText.STEPS : steps;
            return DemoText.load(backpack, source.description(), dtype.value(), samples, seed.value(), count);
        }
        if (steps != null) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "--steps is for %s without --data: other models are taken as they are. Leave it out."
                            .formatted(String.join(" and ", ShippedText.MODELS)));
        }
        return DemoData.load(backpack, source, data, dtype.value(), samples(), seed.value());
    }

    private @Nullable Integer samples() {
        return samples == null && data == null ? Integer.valueOf(model().samples()) : samples;
    }

    private List<Report.Fact> facts(BackPack backpack, DemoData data) {
        String id = backpack.backend().id();
        return List.of(
                new Report.Fact("program", String.join(", ", new Version().getVersion())),
                new Report.Fact("backend", id + description(backpack, id)),
                new Report.Fact(
                        "using",
                        main.threads() + (main.threads() == 1 ? " thread, " : " threads, ") + Text.of(dtype.value())),
                new Report.Fact("data", data.about()),
                new Report.Fact("model", DemoReport.describe(data.description()) + "; " + data.parameters()));
    }

    private static void printFacts(List<Report.Fact> facts, PrintWriter out) {
        facts.forEach(fact -> out.println(Text.format("%-9s", fact.name()) + fact.value()));
    }

    private static String description(BackPack backpack, String id) {
        return backpack.catalog().backends().stream()
                .filter(backend -> backend.id().equals(id))
                .map(backend -> backend.availability() instanceof Availability.Available available
                        ? ": " + available.description()
                        : "")
                .findFirst()
                .orElse("");
    }

    private static Plan plan(BackPack backpack, DemoData data, List<Request<?>> requests) {
        return backpack.plan(data.model(), data.batch(), requests, PassOptions.DEFAULT);
    }

    /** All extensions that need no options, fit the model, and take little memory. */
    private List<Request<?>> possible(BackPack backpack, DemoData data, List<String> leftOut) {
        List<Request<?>> requests = new ArrayList<>();
        long least = plan(backpack, data, List.of()).peakBytes();
        for (String type : model().extensions(backpack.catalog().extensionTypes())) {
            try {
                Request<?> request = backpack.catalog().request(type, Map.of());
                long bytes = plan(backpack, data, List.of(request)).peakBytes() - least;
                if (bytes <= MOST_BYTES) {
                    requests.add(request);
                } else {
                    leftOut.add("%s takes %s more than the gradient; --extensions %s computes it"
                            .formatted(type, new MemoryAmount(bytes), type));
                }
            } catch (BackpackException e) {
                e.problems().forEach(problem -> leftOut.add(problem.toString()));
            }
        }
        if (model().isOfCharacters()) {
            leftOut.add("Exact curvature sends a column back for each character at each place, thousands of them;"
                    + " --extensions KFLR computes it all the same");
        }
        return requests;
    }

    /** Times the gradient alone, with each extension, and with all of them. */
    private static List<Report.Timing> measure(
            BackPack backpack, DemoData data, List<Request<?>> requests, Plan everything) {
        List<String> names = new ArrayList<>(List.of("gradient alone"));
        List<Plan> plans = new ArrayList<>(List.of(plan(backpack, data, List.of())));
        for (Request<?> request : requests) {
            names.add("with " + request.name());
            plans.add(plan(backpack, data, List.of(request)));
        }
        names.add("with all of these");
        plans.add(everything);
        List<Report.Timing> timings = new ArrayList<>();
        Stopwatch stopwatch = new Stopwatch(data.batch());
        double once = plans.stream().mapToDouble(stopwatch::time).sum();
        int repetitions = (int) Math.max(FEWEST_REPETITIONS, Math.min(REPETITIONS, TIMING_MILLISECONDS / once));
        try (Progress progress = new Progress("timing", plans.size() * (repetitions + 1))) {
            List<Durations> times = stopwatch.measure(repetitions, progress::step, plans.toArray(Plan[]::new));
            for (int i = 0; i < times.size(); i++) {
                Durations time = times.get(i);
                timings.add(new Report.Timing(names.get(i), time.median(), time.min(), time.max()));
            }
        }
        return timings;
    }

    private static void printTimings(List<Report.Timing> timings, double first, PrintWriter out) {
        Table table = new Table("pass", ">median", ">least", ">greatest");
        for (Report.Timing timing : timings) {
            table.row(
                    timing.pass(),
                    Text.milliseconds(timing.median()),
                    Text.milliseconds(timing.min()),
                    Text.milliseconds(timing.max()));
        }
        table.print(out);
        out.println("the first pass of all took " + Text.milliseconds(first));
    }

    private static void printTensors(SortedMap<String, Tensor> tensors, PrintWriter out) {
        Table table = new Table("parameter", "quantity", "shape", ">min", ">mean", ">max", ">L2 norm");
        tensors.forEach((name, tensor) -> {
            int slash = name.indexOf('/');
            if (slash >= 0) {
                TensorSummary summary = TensorSummary.of(tensor);
                table.row(
                        name.substring(0, slash),
                        name.substring(slash + 1),
                        tensor.shape().toString(),
                        Text.number(summary.min()),
                        Text.number(summary.mean()),
                        Text.number(summary.max()),
                        Text.number(summary.norm()));
            }
        });
        table.print(out);
    }
}
