// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.inspect;

import io.backpack4j.cli.console.Text;
import io.backpack4j.cli.options.DataNames;
import io.backpack4j.cli.options.FileDtypeOption;
import io.backpack4j.cli.options.Installed;
import io.backpack4j.cli.options.LossOption;
import io.backpack4j.cli.options.MemoryOption;
import io.backpack4j.cli.options.PassModes;
import io.backpack4j.cli.options.PositiveInteger;
import io.backpack4j.cli.options.PrecisionOption;
import io.backpack4j.cli.options.Requests;
import io.backpack4j.cli.options.RootCommand;
import io.backpack4j.cli.options.Version;
import io.backpack4j.formats.ExtensionExpression;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Request;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.training.files.DataSets;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Says what a model is made of, what it supports, and what a request would cost. */
@Command(
        name = "inspect",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        description =
                "Print the layers of a model, the extensions that they support, and what a request would take in time and memory, before it runs.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  backpack inspect m.json --input-shape 3,224,224 --batch 8 --extensions KFAC,Variance",
            "  backpack inspect m.json --data d.safetensors --json"
        })
public final class InspectCommand implements Runnable {

    @ParentCommand
    private RootCommand main;

    @Spec
    private CommandSpec spec;

    @Mixin
    private final LossOption loss = new LossOption();

    @Parameters(paramLabel = "MODEL", arity = "1", description = "The model, as JSON or ONNX.")
    private Path modelFile = Path.of("");

    @Option(
            names = "--data",
            paramLabel = "DATA",
            completionCandidates = DataNames.class,
            description =
                    "Inputs, target and parameters, as safetensors; or what train takes, such as IMAGES,LABELS as IDX files. Numbers are drawn where it is left out.")
    private @Nullable String data;

    @Option(
            names = "--input-shape",
            paramLabel = "SHAPE",
            description =
                    "The shape of one sample, such as 3,224,224; with several inputs NAME=3,224,224, once for each. By default that of an ONNX file.")
    private List<String> shapes = List.of();

    @Option(
            names = "--batch",
            paramLabel = "N",
            converter = PositiveInteger.class,
            description =
                    "How many samples a batch has. 1 by default; all of --data, and none else of a safetensors file.")
    private @Nullable Integer samples;

    @Option(
            names = "--extensions",
            paramLabel = "A,B,...",
            defaultValue = "",
            completionCandidates = Installed.Extensions.class,
            description = "What would be computed beside the gradient, as for evaluate.")
    private String extensions;

    @Option(
            names = "--mode",
            paramLabel = "MODE",
            converter = PassModes.class,
            completionCandidates = PassModes.class,
            description = "train or eval, for all nodes. By default what the model says, or else train.")
    private @Nullable Mode mode;

    @Mixin
    private final FileDtypeOption dtype = new FileDtypeOption();

    @Mixin
    private final MemoryOption memory = new MemoryOption();

    @Mixin
    private final PrecisionOption precision = new PrecisionOption();

    @Option(names = "--json", description = "Print one JSON object.")
    private boolean json;

    @Override
    public void run() {
        Problems problems = new Problems();
        List<Request<?>> requests = new ArrayList<>();
        List<ExtensionExpression> expressions = new ArrayList<>();
        checkOptions(problems);
        try (BackPack backpack = main.open()) {
            problems.collect(() -> {
                expressions.addAll(Requests.parse(extensions));
                requests.addAll(Requests.of(backpack.catalog(), expressions, List.of()));
            });
            try (InspectedModel inspected = open(backpack, problems)) {
                Inspection found = inspect(backpack, inspected, requests, expressions);
                PrintWriter out = spec.commandLine().getOut();
                if (json) {
                    out.println(InspectJson.of(found));
                    out.flush();
                } else {
                    new InspectText(found, out).print();
                }
            }
        }
    }

    private void checkOptions(Problems problems) {
        boolean isFile = data != null && !DataSets.isDataSet(data);
        if ((isFile && samples != null) || (data != null && !shapes.isEmpty())) {
            problems.add(
                    CommonProblems.INVALID_OPTION,
                    "--data says what --input-shape and --batch say, too. Name the data file, or the shape and the size of a batch.");
        }
    }

    private InspectedModel open(BackPack backpack, Problems problems) {
        String named = data;
        DType type = dtype.value();
        return named != null
                ? InspectedModel.read(backpack, loss, modelFile, named, samples, type, problems)
                : InspectedModel.draw(
                        backpack,
                        loss,
                        modelFile,
                        shapes,
                        samples == null ? 1 : samples,
                        type == null ? DType.FLOAT32 : type,
                        problems);
    }

    private Inspection inspect(
            BackPack backpack,
            InspectedModel inspected,
            List<Request<?>> requests,
            List<ExtensionExpression> expressions) {
        PassOptions whole = precision.apply(PassOptions.DEFAULT.updateBuffers(false));
        PassOptions unlimited = mode == null ? whole : whole.mode(mode);
        Plan plan = backpack.plan(inspected.model(), inspected.batch(), requests, memory.limit(unlimited));
        Plan gradient = backpack.plan(inspected.model(), inspected.batch(), List.of(), unlimited);
        return new Inspection(
                modelFile.toString(),
                backpack.backend().id(),
                Text.of(inspected.model().dtype()),
                inspected.batch().samples(),
                inspected.model().layers(),
                gradient.cost(inspected.batch()),
                Quantities.of(backpack, inspected, unlimited),
                expressions.stream().map(ExtensionExpression::toString).toList(),
                plan,
                plan.cost(inspected.batch()),
                modelBytes(inspected),
                batchBytes(inspected));
    }

    private static long modelBytes(InspectedModel inspected) {
        long bytes = 0;
        for (String name : inspected.model().parameters().names()) {
            ParameterSpec parameter = inspected.model().parameters().spec(name);
            bytes += parameter.shape().elements()
                    * parameter.dtype(inspected.model().dtype()).bytes();
        }
        return bytes;
    }

    private static long batchBytes(InspectedModel inspected) {
        long bytes = bytes(inspected.batch().targets());
        for (Tensor input : inspected.batch().inputs().values()) {
            bytes += bytes(input);
        }
        return bytes;
    }

    private static long bytes(Tensor tensor) {
        return tensor.shape().elements() * tensor.dtype().bytes();
    }
}
