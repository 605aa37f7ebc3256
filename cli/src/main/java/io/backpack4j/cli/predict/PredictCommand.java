// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.predict;

import io.backpack4j.cli.console.Text;
import io.backpack4j.cli.files.ResultFile;
import io.backpack4j.cli.options.FileDtypeOption;
import io.backpack4j.cli.options.MemoryOption;
import io.backpack4j.cli.options.ModelOption;
import io.backpack4j.cli.options.NanOption;
import io.backpack4j.cli.options.PassModes;
import io.backpack4j.cli.options.RootCommand;
import io.backpack4j.cli.options.SeedOption;
import io.backpack4j.cli.options.Version;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Prediction;
import io.backpack4j.kernel.RunOptions;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.tensor.Tensor;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Computes a network's output for inputs that a file holds. */
@Command(
        name = "predict",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        description =
                "Compute the output of a model for inputs in a file, forward only. Neither targets nor a loss are needed.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  backpack predict --model m.json --data d.safetensors --out r.safetensors",
            "  backpack predict --model m.json --weights w.safetensors --data images-idx3-ubyte.gz \\",
            "                   --out r.safetensors --memory 256MiB",
            "  backpack predict --model backpack-run --data images-idx3-ubyte.gz --out r.safetensors"
        })
public final class PredictCommand implements Runnable {

    @ParentCommand
    private RootCommand main;

    @Spec
    private CommandSpec spec;

    @Mixin
    private final ModelOption model = new ModelOption();

    @Option(
            names = "--data",
            paramLabel = "FILE",
            required = true,
            description =
                    "Inputs and parameters, as safetensors; images as IDX, whose pixels are taken from 0 to 1; or files that train takes, such as CSV, whose targets are not looked at.")
    private Path dataFile;

    @Option(
            names = "--weights",
            paramLabel = "FILE",
            description = "Parameters and buffers, as safetensors. Those of the data file by default.")
    private @Nullable Path weightsFile;

    @Option(
            names = "--out",
            paramLabel = "FILE",
            required = true,
            description = "The result file with the tensor output: safetensors, or npz for NumPy.")
    private Path resultFile;

    @Mixin
    private final FileDtypeOption dtype = new FileDtypeOption();

    @Option(
            names = "--mode",
            paramLabel = "MODE",
            defaultValue = "eval",
            converter = PassModes.class,
            completionCandidates = PassModes.class,
            description = "eval (the default) or train, for all nodes, whatever the model says. Files never change.")
    private Mode mode;

    @Mixin
    private final SeedOption seed = new SeedOption();

    @Mixin
    private final MemoryOption memory = new MemoryOption();

    @Mixin
    private final NanOption nan = new NanOption();

    @Override
    public void run() {
        Problems problems = new Problems();
        problems.collect(() -> ResultFile.requireEnding(resultFile));
        problems.collect(() -> ResultFile.requireOther(resultFile, model.file()));
        problems.collect(() -> ResultFile.requireOther(resultFile, dataFile));
        if (weightsFile != null) {
            Path weights = weightsFile;
            problems.collect(() -> ResultFile.requireOther(resultFile, weights));
        }
        try (BackPack backpack = main.open();
                PredictInputs inputs =
                        PredictInputs.read(backpack, model, dataFile, weightsFile, dtype.value(), problems);
                Prediction prediction =
                        backpack.predict(inputs.model(), inputs.batch(), options(), RunOptions.seed(seed.value()))) {
            write(prediction.output(), metadata(inputs, backpack.backend().id()));
        }
    }

    private void write(Tensor output, Map<String, String> metadata) {
        Map<String, Plan.ResultType> types = Map.of("output", new Plan.ResultType(output.dtype(), output.shape()));
        try (ResultFile file = ResultFile.open(resultFile, types, metadata, nan.requiresFinite())) {
            file.write("output", output);
            file.commit();
        }
        PrintWriter out = spec.commandLine().getOut();
        out.println("output %s %s written to %s".formatted(output.shape(), Text.of(output.dtype()), resultFile));
        out.flush();
    }

    private Map<String, String> metadata(PredictInputs inputs, String backend) {
        Map<String, String> metadata = new LinkedHashMap<>();
        metadata.put("source", Version.program());
        metadata.put("model", inputs.json());
        metadata.put("dtype", Text.of(inputs.model().dtype()));
        metadata.put("mode", Text.of(mode));
        metadata.put("seed", String.valueOf(seed.value()));
        metadata.put("backend", backend);
        return metadata;
    }

    private PassOptions options() {
        return memory.limit(PassOptions.DEFAULT.nan(nan.policy()).mode(mode));
    }
}
