package io.backpack4j.cli;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.Problem;
import io.backpack4j.spi.backend.Availability;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Tensor;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Computes every extension there is for a linear classifier of handwritten digits. */
@Command(
        name = "demo",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        description = "Compute all extensions for a linear classifier on a batch of real handwritten digits.",
        footerHeading = "%nExamples:%n",
        footer = {"  backpack demo", "  backpack demo --batch 6000 --dtype float64 --threads 2"})
final class DemoCommand implements Runnable {

    private static final int REPETITIONS = 20;

    @ParentCommand
    private Main main;

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--batch",
            paramLabel = "N",
            defaultValue = "512",
            converter = PositiveInteger.class,
            description = "How many digits, at most 6000. ${DEFAULT-VALUE} by default.")
    private int samples;

    @Option(
            names = "--dtype",
            paramLabel = "TYPE",
            defaultValue = "float32",
            converter = FloatingType.class,
            description = "float32 (the default) or float64.")
    private DType dtype;

    @Option(
            names = "--seed",
            paramLabel = "N",
            defaultValue = "0",
            description = "The seed of the parameters. 0 by default.")
    private long seed;

    @Override
    public void run() {
        PrintWriter out = spec.commandLine().getOut();
        Digits digits = new Digits();
        try (BackPack backpack = main.open();
                Model model = backpack.model(BenchProblem.LOGREG.model(), dtype, digits.sample());
                Batch batch = digits.batch(backpack, dtype, samples)) {
            model.parameters().initialize(seed);
            printSetting(backpack, out);
            List<Problem> leftOut = new ArrayList<>();
            List<Request<?>> requests = possible(backpack, model, batch, leftOut);
            Plan plan = backpack.plan(model, batch, requests, PassOptions.DEFAULT);
            Plan gradient = backpack.plan(model, batch, List.of(), PassOptions.DEFAULT);
            Stopwatch stopwatch = new Stopwatch(batch);
            double first = stopwatch.time(plan);
            List<Durations> times = stopwatch.measure(REPETITIONS, gradient, plan);
            try (Results results = plan.run(batch, seed)) {
                out.println("loss     " + Text.number(results.loss()));
                out.println();
                printTensors(results.tensors(), out);
            }
            out.println();
            out.println("gradient alone      " + Text.milliseconds(times.get(0).median()));
            out.println("with all of these   " + Text.milliseconds(times.get(1).median()) + ", the first time "
                    + Text.milliseconds(first));
            leftOut.forEach(problem -> out.println("left out: " + problem));
        }
        out.flush();
    }

    private void printSetting(BackPack backpack, PrintWriter out) {
        String id = backpack.backend().id();
        out.println("program  " + String.join(", ", new Version().getVersion()));
        out.println("backend  " + id + description(backpack, id));
        out.println("using    " + main.threads() + (main.threads() == 1 ? " thread, " : " threads, ") + Text.of(dtype));
        out.println("data     the first " + samples + " digits of MNIST's training set, pixels from 0 to 1");
        out.println("model    Flatten, Linear(784, 10), CrossEntropyLoss, mean; not trained,");
        out.println("         parameters drawn as PyTorch does, from seed " + seed);
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

    /** All extensions that need no options and fit the model. */
    private static List<Request<?>> possible(BackPack backpack, Model model, Batch batch, List<Problem> leftOut) {
        List<Request<?>> requests = new ArrayList<>();
        for (String type : backpack.catalog().extensionTypes()) {
            try {
                Request<?> request = backpack.catalog().request(type, Map.of());
                backpack.plan(model, batch, List.of(request), PassOptions.DEFAULT);
                requests.add(request);
            } catch (BackpackException e) {
                leftOut.addAll(e.problems());
            }
        }
        return requests;
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
