// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.train;

import io.backpack4j.cli.console.Text;
import io.backpack4j.cli.files.RunFolder;
import io.backpack4j.cli.files.ShippedModels;
import io.backpack4j.cli.files.ShippedText;
import io.backpack4j.cli.options.DataNames;
import io.backpack4j.cli.options.FileDtypeOption;
import io.backpack4j.cli.options.Installed;
import io.backpack4j.cli.options.LossOption;
import io.backpack4j.cli.options.PositiveInteger;
import io.backpack4j.cli.options.Requests;
import io.backpack4j.cli.options.RootCommand;
import io.backpack4j.cli.options.SeedOption;
import io.backpack4j.cli.options.TableColumns;
import io.backpack4j.cli.options.Version;
import io.backpack4j.cli.report.HtmlReport;
import io.backpack4j.cli.report.Report;
import io.backpack4j.cli.report.Surprises;
import io.backpack4j.cli.report.TrainingReport;
import io.backpack4j.formats.ModelFile;
import io.backpack4j.formats.ModelNumbers;
import io.backpack4j.formats.ModelSource;
import io.backpack4j.formats.ParameterFile;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.Request;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.Optimizer;
import io.backpack4j.training.Trainer;
import io.backpack4j.training.TrainingResult;
import io.backpack4j.training.data.Batches;
import io.backpack4j.training.data.DataSource;
import io.backpack4j.training.data.SampledBatches;
import io.backpack4j.training.files.BatchesFile;
import io.backpack4j.training.files.CheckpointFolder;
import io.backpack4j.training.files.JsonLog;
import io.backpack4j.training.files.NormalizationFile;
import io.backpack4j.training.files.TrainingExpressions;
import io.backpack4j.training.metric.Accuracy;
import io.backpack4j.training.metric.MeanSquaredError;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Trains a network and writes the folder of its run. */
@Command(
        name = "train",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        description = "Train a network: a small convolutional one on real handwritten digits, or a model of your own."
                + " Writes a folder with the log, the trained model, checkpoints and a page of learning curves.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  backpack train",
            "  backpack train --optimizer 'SGD(lr=0.05,momentum=0.9)' --schedule 'CosineAnnealingLR(T_max=20)'",
            "  backpack train --optimizer 'PreconditionedGradient(curvature=KFAC,lr=0.1,damping=0.01)'",
            "  backpack train --model m.json --data d.safetensors --valid 0.1 --out run",
            "  backpack train --epochs 40 --resume",
            "  backpack train --crop 2 --clip-norm 1 --group 'parameters=[*.bias],weight_decay=0' --averaging 0.99",
            "  backpack train --early-stopping 3 --monitor valid_accuracy",
            "  backpack train --cockpit economy --stop-on stalled,over-training",
            "  backpack train --model charlm --epochs 5",
            "  backpack train --model m.json --data 'part-*.parquet' --features 'f*' --target label --valid 0.1",
            "  backpack predict --model backpack-run --data images-idx3-ubyte.gz --out r.safetensors"
        })
public final class TrainCommand implements Runnable {

    private static final String STANDARD_MODEL = "lenet";

    private static final int KEPT_CHECKPOINTS = 3;
    private static final Set<String> CLASSIFYING = Set.of("CrossEntropyLoss", "NLLLoss", "BCEWithLogitsLoss");

    @ParentCommand
    private RootCommand main;

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--model",
            paramLabel = "NAME|FILE",
            defaultValue = STANDARD_MODEL,
            description =
                    "lenet (the default), a small convolutional network; charlm or charlm-lstm, a transformer or a recurrent network"
                            + " that predicts characters of a text; or a model of your own, as JSON or ONNX.")
    private String modelName;

    @Option(
            names = "--data",
            paramLabel = "DATA",
            completionCandidates = DataNames.class,
            description =
                    "What to train on: IMAGES,LABELS as IDX files, a safetensors file with input and target, a CSV file,"
                            + " a folder with a folder of pictures per class, .npz, CIFAR's .bin files, a table in Parquet, CSV or JSON with --features and --target, or fashion-mnist (and fashion-mnist-test) where Debian's package dataset-fashion-mnist is installed. The digits or the text that ship with this program by default.")
    private @Nullable String data;

    @Option(
            names = "--batches",
            paramLabel = "FILE",
            description =
                    "Train on exactly these batches, in this order: a safetensors file with step<k>/input and step<k>/target."
                            + " Parameters come from it where it has them.")
    private @Nullable Path batchesFile;

    @Option(
            names = "--valid",
            paramLabel = "DATA|FRACTION",
            description =
                    "What is held out: data, or the last part of --data, such as 0.1. Of the digits, the last 1,000; of the text, the last tenth.")
    private @Nullable String valid;

    @Option(
            names = "--optimizer",
            paramLabel = "OPTIMIZER",
            defaultValue = "Adam(lr=2e-3)",
            description =
                    "SGD, Adam, AdamW, RMSprop, Adagrad, with PyTorch's options; PreconditionedGradient, KFAC, NewtonCG, DirectionalDampedNewton; or a plugin's. ${DEFAULT-VALUE} by default.")
    private String optimizer;

    @Option(
            names = "--schedule",
            paramLabel = "SCHEDULE",
            defaultValue = "constant",
            description =
                    "How the learning rate changes, such as 'StepLR(step_size=5)'; a chain ends in SequentialLR(milestones=[N]).")
    private String schedule;

    @Option(
            names = "--epochs",
            paramLabel = "E",
            converter = PositiveInteger.class,
            description = "How often all data is seen, in all: 20 by default, 1 with --batches.")
    private @Nullable Integer epochs;

    @Option(
            names = "--batch",
            paramLabel = "N",
            defaultValue = "64",
            converter = PositiveInteger.class,
            description = "Samples per step. ${DEFAULT-VALUE} by default.")
    private Integer batch;

    @Option(
            names = "--max-steps",
            paramLabel = "K",
            converter = PositiveInteger.class,
            description = "End after so many steps in all.")
    private @Nullable Integer maxSteps;

    @Option(
            names = "--extensions",
            paramLabel = "A,B,...",
            defaultValue = "",
            completionCandidates = Installed.Extensions.class,
            description = "Compute these in the pass of every step, and log the norms of their results per parameter.")
    private String extensions;

    @Option(
            names = "--checkpoint-every",
            paramLabel = "STEPS",
            converter = PositiveInteger.class,
            description = "Keep a checkpoint after so many steps, beside that after each epoch.")
    private @Nullable Integer checkpointEvery;

    @Option(
            names = "--resume",
            description = "Go on with the run in --out, from its last checkpoint. --epochs is the total.")
    private boolean resumes;

    @Option(
            names = "--out",
            paramLabel = "FOLDER",
            defaultValue = "backpack-run",
            description = "The folder of the run. ${DEFAULT-VALUE} by default.")
    private Path folder;

    @Option(
            names = "--log",
            paramLabel = "FILE",
            description = "The log, as JSON lines. run.jsonl in --out by default.")
    private @Nullable Path logFile;

    @Mixin
    private final TableColumns table = new TableColumns();

    @Mixin
    private final LossOption loss = new LossOption();

    @Mixin
    private final UpdateOptions updates = new UpdateOptions();

    @Mixin
    private final AugmentationOptions augmentation = new AugmentationOptions();

    @Mixin
    private final ClassWeightOption classWeights = new ClassWeightOption();

    @Mixin
    private final CockpitOptions cockpit = new CockpitOptions();

    @Mixin
    private final FileDtypeOption dtype = new FileDtypeOption();

    @Mixin
    private final SeedOption seed = new SeedOption();

    /** The parameters of a model whose file has them. */
    private Optional<ModelNumbers> numbers = Optional.empty();

    @Override
    public void run() {
        if (batchesFile != null && (data != null || valid != null || table.isQuery())) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "--batches names all that is trained on. Leave --data, --sql and --valid out.");
        }
        if (data != null && table.isQuery()) {
            throw new ParameterException(
                    spec.commandLine(), "--data and --sql exclude each other: name the files in the query");
        }
        cockpit.check();
        boolean shipped = modelName.equals(STANDARD_MODEL) || isOfCharacters();
        try (BackPack backpack = main.open()) {
            Optional<ModelSource> source =
                    shipped ? Optional.empty() : Optional.of(loss.openWithLoss(backpack.catalog(), Path.of(modelName)));
            ModelDescription description =
                    source.map(ModelSource::description).orElseGet(() -> loss.applied(ShippedModels.read(modelName)));
            numbers = source.flatMap(ModelSource::numbers);
            if (batchesFile == null) {
                onData(backpack, description);
            } else {
                onBatches(backpack, description, batchesFile);
            }
        }
    }

    private void onData(BackPack backpack, ModelDescription description) {
        try (TrainData samples = samples(backpack, description)) {
            Batches counted = new SampledBatches(samples.training(), batch, false, false, 0);
            trainOn(backpack, classWeights.weighted(backpack, description, samples.shapes(), counted), samples);
        }
    }

    private TrainData samples(BackPack backpack, ModelDescription description) {
        if (data == null && !table.isQuery() && isOfCharacters()) {
            augmentation.requireNone("a text has none");
            TableColumns.requireNone(table.given(), "the text that ships with this program");
            return TrainData.ofText(description, valid);
        }
        return TrainData.open(backpack, description, table, data, dtype.value(), valid);
    }

    private void trainOn(BackPack backpack, ModelDescription description, TrainData samples) {
        try (Model model = backpack.model(
                description, type(samples.all().dtype()), samples.shapes().toArray(Shape[]::new))) {
            model.parameters().initialize(seed.value());
            samples.all().fill(model.parameters());
            numbers.ifPresent(found -> found.fill(model.parameters()));
            RunFolder run = new RunFolder(folder);
            Trainer.Builder builder = builder(backpack, model, run).epochs(epochs == null ? 20 : epochs);
            begin(run, description);
            samples.normalization().ifPresent(how -> NormalizationFile.write(run.inputs(), how));
            samples.heldOut().ifPresent(builder::validation);
            print("data", samples.about());
            DataSource training = augmentation.augmented(samples.training(), seed.value());
            train(backpack, model, run, builder, samples.about(), trainer -> trainer.fit(training));
        }
    }

    private void onBatches(BackPack backpack, ModelDescription description, Path file) {
        augmentation.requireNone("--batches are taken exactly as they are");
        try (BatchesFile batches = new BatchesFile(file, description.inputs())) {
            List<Shape> shapes =
                    description.inputs().stream().map(batches::sample).toList();
            trainOn(backpack, classWeights.weighted(backpack, description, shapes, batches), shapes, batches, file);
        }
    }

    private void trainOn(
            BackPack backpack, ModelDescription description, List<Shape> shapes, BatchesFile batches, Path file) {
        try (Model model = backpack.model(
                description, type(batches.isWide() ? DType.FLOAT64 : DType.FLOAT32), shapes.toArray(Shape[]::new))) {
            model.parameters().initialize(seed.value());
            batches.fill(model.parameters());
            numbers.ifPresent(found -> found.fill(model.parameters()));
            RunFolder run = new RunFolder(folder);
            Trainer.Builder builder = builder(backpack, model, run).epochs(epochs == null ? 1 : epochs);
            begin(run, description);
            String about = "%d batches of %s".formatted(batches.perEpoch(), file);
            print("data", about);
            train(backpack, model, run, builder, about, trainer -> trainer.fit(batches));
        }
    }

    private boolean isOfCharacters() {
        return ShippedText.MODELS.contains(modelName);
    }

    private void train(
            BackPack backpack,
            Model model,
            RunFolder run,
            Trainer.Builder builder,
            String about,
            Function<Trainer, TrainingResult> fit) {
        try (Watch watch = cockpit.isOn() ? watch(backpack, model, run) : null) {
            if (watch == null) {
                builder.log(new JsonLog(log(run), modelName));
            } else {
                watch.attach(builder);
                print("cockpit", watch.address().toString());
            }
            finish(backpack, fit.apply(builder.build()), model, run, about, watch);
        }
    }

    private Watch watch(BackPack backpack, Model model, RunFolder run) {
        return new Watch(
                cockpit.builder(backpack, model).modelName(modelName), cockpit, run, log(run), folder.toString());
    }

    private DType type(DType ofData) {
        DType named = dtype.value();
        return named == null ? ofData : named;
    }

    private static void begin(RunFolder run, ModelDescription description) {
        run.create();
        ModelFile.write(run.model(), description);
    }

    private Trainer.Builder builder(BackPack backpack, Model model, RunFolder run) {
        Optimizer made = TrainingExpressions.optimizer(backpack.catalog(), optimizer);
        Trainer.Builder builder = Trainer.builder(backpack, model)
                .optimizer(made)
                .schedule(TrainingExpressions.schedule(backpack.catalog(), schedule))
                .batch(batch)
                .seed(seed.value())
                .metric(CLASSIFYING.contains(model.loss().type()) ? new Accuracy() : new MeanSquaredError())
                .checkpoints(new CheckpointFolder(run.checkpoints(), KEPT_CHECKPOINTS))
                .resume(resumes)
                .listener(new TrainProgress(spec.commandLine().getOut()));
        updates.apply(builder);
        if (maxSteps != null) {
            builder.maxSteps(maxSteps);
        }
        if (checkpointEvery != null) {
            builder.checkpointEvery(checkpointEvery);
        }
        List<Request<?>> requests = Requests.of(backpack.catalog(), Requests.parse(extensions), List.of());
        if (!requests.isEmpty()) {
            builder.listener(new ResultNorms(requests));
        }
        print("model", modelName);
        print("training", "%s, %s, batches of %d, %s".formatted(optimizer, schedule, batch, Text.of(model.dtype())));
        return builder;
    }

    private Path log(RunFolder run) {
        return logFile == null ? run.log() : logFile;
    }

    private void finish(
            BackPack backpack, TrainingResult result, Model model, RunFolder run, String about, @Nullable Watch watch) {
        ParameterFile.save(run.parameters(), model);
        String summary = RunSummary.of(result);
        PrintWriter out = spec.commandLine().getOut();
        if (watch == null) {
            Surprises surprises = data == null && !table.isQuery() && batchesFile == null && isOfCharacters()
                    ? RunSummary.surprises(backpack, model)
                    : null;
            HtmlReport.write(TrainingReport.of(summary, facts(about), log(run), surprises), run.report());
        } else {
            watch.report(run.report());
            watch.alarms()
                    .forEach(alarm ->
                            out.println("step %d, %s: %s".formatted(alarm.step(), alarm.name(), alarm.message())));
        }
        out.println(summary);
        out.println("The run is in " + run.folder().toAbsolutePath() + "; its report.html shows the curves.");
        out.flush();
    }

    private List<Report.Fact> facts(String about) {
        return List.of(
                new Report.Fact("model", modelName),
                new Report.Fact("data", about),
                new Report.Fact("optimizer", optimizer),
                new Report.Fact("schedule", schedule),
                new Report.Fact("batch", batchesFile == null ? String.valueOf(batch) : "as in the file"),
                new Report.Fact("seed", String.valueOf(seed.value())));
    }

    private void print(String name, String value) {
        spec.commandLine().getOut().println(Text.format("%-9s", name) + value);
    }
}
