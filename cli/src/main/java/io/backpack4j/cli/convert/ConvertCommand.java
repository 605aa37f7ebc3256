// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.convert;

import io.backpack4j.cli.files.RunFolder;
import io.backpack4j.cli.options.LossOption;
import io.backpack4j.cli.options.RootCommand;
import io.backpack4j.cli.options.Version;
import io.backpack4j.formats.DataFile;
import io.backpack4j.formats.ForeignModel;
import io.backpack4j.formats.FormatProblems;
import io.backpack4j.formats.ModelFile;
import io.backpack4j.formats.ModelFormat;
import io.backpack4j.formats.ModelSource;
import io.backpack4j.formats.Safetensors;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.LossDescription;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.tensor.Shape;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Turns models of other formats into model files, and back. */
@Command(
        name = "convert",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        description =
                "Turn a model of another format, such as ONNX, into a folder with model.json and data.safetensors; or such"
                        + " a folder, a run, or a model.json with its numbers into another format.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  backpack convert net.onnx net",
            "  backpack convert net.onnx net --loss 'CrossEntropyLoss(reduction=mean)'",
            "  backpack convert backpack-run net.onnx --input-shape 1,28,28",
            "  backpack convert model.json net.onnx --weights model.safetensors --input-shape 3,224,224"
        })
public final class ConvertCommand implements Runnable {

    private static final String MODEL = "model.json";
    private static final String DATA = "data.safetensors";

    /** Stands before an input's name in the metadata of numbers, where the shape of a sample is. */
    private static final String SHAPE = "shape/";

    @ParentCommand
    private RootCommand main;

    @Spec
    private CommandSpec spec;

    @Parameters(
            index = "0",
            paramLabel = "IN",
            description = "What is read: a file of another format, or a model and its numbers.")
    private Path in;

    @Parameters(
            index = "1",
            paramLabel = "OUT",
            description = "What is written: a folder, or a file of another format.")
    private Path out;

    @Mixin
    private final LossOption loss = new LossOption();

    @Option(
            names = "--weights",
            paramLabel = "FILE",
            description = "Parameters and buffers of a model.json, as safetensors. Those beside it by default.")
    private @Nullable Path weights;

    @Option(
            names = "--input-shape",
            paramLabel = "D,D,...",
            description =
                    "The shape of one sample, such as 3,224,224, for another format; once for each input. Where the file with the numbers has inputs, theirs by default.")
    private List<String> shapes = List.of();

    @Override
    public void run() {
        try (BackPack backpack = main.open()) {
            Optional<ModelFormat> reads = ModelSource.format(backpack.catalog(), in);
            Optional<ModelFormat> writes = ModelSource.format(backpack.catalog(), out);
            if (reads.isPresent() == writes.isPresent()) {
                throw new BackpackException(
                        CommonProblems.INVALID_OPTION,
                        "Of '%s' and '%s', one must end in %s, and the other must be a folder or a model.json."
                                .formatted(
                                        in,
                                        out,
                                        String.join(
                                                " or ",
                                                backpack.catalog().services(ModelFormat.class).stream()
                                                        .map(ModelFormat::ending)
                                                        .toList())));
            }
            if (reads.isPresent()) {
                toFolder(backpack, reads.get());
            } else {
                toFormat(backpack, writes.orElseThrow());
            }
        }
    }

    private void toFolder(BackPack backpack, ModelFormat format) {
        ForeignModel model = format.read(in, backpack.catalog(), loss.value().orElse(LossDescription.NONE));
        loss.print(model.notices());
        Map<String, String> metadata = new LinkedHashMap<>();
        metadata.put("source", in.getFileName() + ", converted by " + Version.program());
        model.inputs().forEach((input, sample) -> metadata.put(SHAPE + input, text(sample)));
        try {
            Files.createDirectories(out);
        } catch (IOException e) {
            throw new BackpackException(
                    FormatProblems.UNWRITABLE_FILE, "The folder '%s' cannot be made: %s.".formatted(out, e), e);
        }
        model.numbers().save(out.resolve(DATA), metadata);
        ModelFile.write(out.resolve(MODEL), model.description());
        print("%d nodes and %d tensors written to %s"
                .formatted(
                        model.description().nodes().size(),
                        model.numbers().tensors().size(),
                        out));
    }

    private void toFormat(BackPack backpack, ModelFormat format) {
        Path modelFile = Files.isDirectory(in) ? in.resolve(MODEL) : in;
        Path numbers = weights == null ? beside(modelFile) : weights;
        ModelDescription description = ModelFile.read(modelFile);
        try (Safetensors file = Safetensors.open(numbers)) {
            DataFile data = new DataFile(numbers.toString(), file, description);
            List<Shape> samples = samples(description, file);
            try (Model model = data.loadModel(backpack, data.dtype(), samples.toArray(Shape[]::new))) {
                format.write(out, model);
            }
        }
        print("%d nodes written to %s".formatted(description.nodes().size(), out));
    }

    /** The numbers of a folder: of an export or a conversion, or of a run. */
    private static Path beside(Path modelFile) {
        Path folder = modelFile.toAbsolutePath().resolveSibling("");
        return Stream.of(folder.resolve(DATA), new RunFolder(folder).parameters())
                .filter(Files::exists)
                .findFirst()
                .orElseThrow(() -> new BackpackException(
                        CommonProblems.INVALID_OPTION,
                        "There is no %s beside '%s'. Name the file with the numbers with --weights."
                                .formatted(DATA, modelFile)));
    }

    private List<Shape> samples(ModelDescription description, Safetensors file) {
        List<String> inputs = description.inputs();
        if (!shapes.isEmpty() && shapes.size() != inputs.size()) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "--input-shape is given %d times, but the model has the inputs %s."
                            .formatted(shapes.size(), inputs));
        }
        List<Shape> samples = new ArrayList<>();
        for (int i = 0; i < inputs.size(); i++) {
            String input = inputs.get(i);
            String known = file.metadata().get(SHAPE + input);
            if (!shapes.isEmpty()) {
                samples.add(shape(shapes.get(i)));
            } else if (file.tensors().containsKey(input)) {
                samples.add(file.tensor(input).shape().dropFirst(1));
            } else if (known != null) {
                samples.add(shape(known));
            } else {
                throw new BackpackException(
                        CommonProblems.INVALID_OPTION,
                        "The shape of the input '%s' is not known. Give that of one sample, such as --input-shape 3,224,224."
                                .formatted(input));
            }
        }
        return samples;
    }

    private static String text(Shape shape) {
        return String.join(
                ",",
                java.util.stream.LongStream.of(shape.toArray())
                        .mapToObj(String::valueOf)
                        .toList());
    }

    private static Shape shape(String text) {
        try {
            return text.isEmpty()
                    ? Shape.of()
                    : Shape.of(Stream.of(text.split(",", -1))
                            .mapToLong(size -> Long.parseLong(size.strip()))
                            .toArray());
        } catch (NumberFormatException e) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "--input-shape is '%s', but must be the shape of one sample, such as 3,224,224.".formatted(text));
        }
    }

    private void print(String text) {
        PrintWriter console = spec.commandLine().getOut();
        console.println(text);
        console.flush();
    }
}
