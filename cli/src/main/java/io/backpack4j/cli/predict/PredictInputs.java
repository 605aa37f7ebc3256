package io.backpack4j.cli.predict;

import io.backpack4j.formats.DataFile;
import io.backpack4j.formats.IdxFile;
import io.backpack4j.formats.ModelFile;
import io.backpack4j.formats.Safetensors;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What {@code predict} reads.
 *
 * @param json the model as it is in its file
 * @param loaded the model and the batch
 */
record PredictInputs(String json, DataFile.Loaded loaded) implements AutoCloseable {

    private static final int WHITE = 255;

    /**
     * Reads a model, its numbers and inputs.
     *
     * @param weightsFile where the numbers are; in the data file if null
     * @param dtype the type to compute with; that of the data if null
     * @param problems what is wrong elsewhere; what is wrong here is reported together with it
     * @throws BackpackException if there are any problems
     */
    static PredictInputs read(
            BackPack backpack,
            Path modelFile,
            Path dataFile,
            @Nullable Path weightsFile,
            @Nullable DType dtype,
            Problems problems) {
        boolean images = isIdx(dataFile);
        problems.collect(() -> requireFile("--model", modelFile, "a model file"));
        problems.collect(() -> requireFile("--data", dataFile, "a safetensors file or an IDX file"));
        if (images && weightsFile == null) {
            problems.add(
                    CommonProblems.INVALID_OPTION,
                    "'%s' holds images, but no parameters of the model. Name a safetensors file that has them with --weights."
                            .formatted(dataFile));
        }
        List<PredictInputs> read = new ArrayList<>();
        if (problems.isEmpty()) {
            problems.collect(() -> {
                String json = ModelFile.text(modelFile);
                ModelDescription description = ModelFile.parse(json, modelFile.toString());
                Path numbersFile = weightsFile == null ? dataFile : weightsFile;
                try (Safetensors numbers = Safetensors.open(numbersFile)) {
                    DataFile weights = new DataFile(numbersFile.toString(), numbers, description);
                    DataFile.Loaded loaded = images
                            ? images(backpack, IdxFile.read(dataFile), dataFile, description, weights, dtype)
                            : tensors(backpack, dataFile, description, weights, dtype);
                    read.add(new PredictInputs(json, loaded));
                }
            });
        }
        problems.throwIfAny();
        return read.get(0);
    }

    private static boolean isIdx(Path file) {
        String name = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
        String plain = name.endsWith(".gz") ? name.substring(0, name.length() - ".gz".length()) : name;
        return plain.endsWith(".idx") || plain.matches(".*idx\\d-ubyte");
    }

    private static void requireFile(String option, Path path, String expected) {
        if (Files.isDirectory(path)) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "%s names the folder '%s', but must name %s.".formatted(option, path, expected));
        }
    }

    private static DataFile.Loaded tensors(
            BackPack backpack, Path dataFile, ModelDescription description, DataFile weights, @Nullable DType dtype) {
        try (Safetensors file = Safetensors.open(dataFile)) {
            DataFile data = new DataFile(dataFile.toString(), file, description);
            boolean wide = weights.dtype() == DType.FLOAT64 || data.dtype() == DType.FLOAT64;
            DType type = dtype != null ? dtype : wide ? DType.FLOAT64 : DType.FLOAT32;
            return data.loadForPrediction(backpack, type, weights);
        }
    }

    private static DataFile.Loaded images(
            BackPack backpack,
            IdxFile images,
            Path dataFile,
            ModelDescription description,
            DataFile weights,
            @Nullable DType dtype) {
        if (images.shape().rank() < 2 || description.inputs().size() != 1) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "'%s' holds bytes of shape %s, and the model has the inputs %s, but images [N, H, W] and one input are needed."
                            .formatted(dataFile, images.shape(), description.inputs()));
        }
        DType type = dtype != null ? dtype : weights.dtype();
        Shape sample = sample(backpack, description, images.shape().dropFirst(1));
        Model model = weights.loadModel(backpack, type, sample);
        try {
            float[] pixels = new float[images.size()];
            for (int i = 0; i < pixels.length; i++) {
                pixels[i] = (float) images.value(i) / WHITE;
            }
            Shape shape = sample.prepend(images.shape().size(0));
            Batch batch = backpack.batch(type)
                    .input(description.inputs().get(0), shape, pixels)
                    .build();
            return new DataFile.Loaded(model, batch, Optional.empty());
        } catch (RuntimeException | Error e) {
            model.close();
            throw e;
        }
    }

    /** The shape {@code [H, W]}, {@code [1, H, W]} or {@code [H * W]}, whatever the network takes first. */
    private static Shape sample(BackPack backpack, ModelDescription description, Shape image) {
        Graph graph = backpack.catalog().graph(description);
        BackpackException first = null;
        for (Shape shape : List.of(image, image.prepend(1), Shape.of(image.elements()))) {
            try {
                backpack.parameters(graph, shape);
                return shape;
            } catch (BackpackException e) {
                first = first == null ? e : first;
            }
        }
        throw Objects.requireNonNull(first);
    }

    Model model() {
        return loaded.model();
    }

    Batch batch() {
        return loaded.batch();
    }

    /** Closes the model and the batch. */
    @Override
    public void close() {
        loaded.close();
    }
}
