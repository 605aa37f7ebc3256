// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.predict;

import io.backpack4j.cli.files.ImageShapes;
import io.backpack4j.cli.files.RunFolder;
import io.backpack4j.cli.files.SampleData;
import io.backpack4j.cli.options.ModelOption;
import io.backpack4j.formats.DataFile;
import io.backpack4j.formats.IdxFile;
import io.backpack4j.formats.ModelNumbers;
import io.backpack4j.formats.ModelSource;
import io.backpack4j.formats.Safetensors;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.Normalization;
import io.backpack4j.training.files.DataSets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What {@code predict} reads.
 *
 * @param json the model as it is in its file
 * @param loaded the model and the batch
 */
record PredictInputs(String json, DataFile.Loaded loaded) implements AutoCloseable {

    private static final String DATA = "a safetensors file or an IDX file";

    /**
     * Reads a model, its numbers and inputs.
     *
     * @param option a model file, or a folder of a training run
     * @param weights where the numbers are; if null, in the run's folder, or else in the data file
     * @param dtype the type to compute with; that of the data if null
     * @param problems what is wrong elsewhere; what is wrong here is reported together with it
     * @throws BackpackException if there are any problems
     */
    static PredictInputs read(
            BackPack backpack,
            ModelOption option,
            Path dataFile,
            @Nullable Path weights,
            @Nullable DType dtype,
            Problems problems) {
        boolean images = isIdx(dataFile);
        boolean isSet = !images && !Files.isDirectory(dataFile) && DataSets.isDataSet(dataFile.toString());
        Optional<RunFolder> run = RunFolder.find(option.file());
        Path modelFile = run.map(RunFolder::model).orElse(option.file());
        Path weightsFile = weights == null ? run.map(RunFolder::parameters).orElse(null) : weights;
        if ((images || isSet)
                && weightsFile == null
                && ModelSource.format(backpack.catalog(), modelFile).isEmpty()) {
            problems.add(
                    CommonProblems.INVALID_OPTION,
                    "'%s' holds %s, but no parameters of the model. Name a safetensors file that has them with --weights."
                            .formatted(dataFile, images ? "images" : "samples"));
        }
        if (weights != null && ModelSource.format(backpack.catalog(), modelFile).isPresent()) {
            problems.add(
                    CommonProblems.INVALID_OPTION,
                    "--weights names '%s', but '%s' has numbers of its own. Leave one out: 'backpack convert' makes model.json of such a model."
                            .formatted(weights, modelFile));
        }
        Optional<ModelSource> source = attempt(
                () -> option.loss()
                        .open(
                                backpack.catalog(),
                                required("--model", modelFile, "a model file, or a folder that 'train' wrote")),
                problems);
        Optional<IdxFile> pixels = Optional.empty();
        if (images) {
            pixels = attempt(() -> IdxFile.read(required("--data", dataFile, DATA)), problems);
        } else if (!isSet) {
            problems.collect(
                    () -> Safetensors.open(required("--data", dataFile, DATA)).close());
        }
        if (weightsFile != null) {
            problems.collect(() -> Safetensors.open(weightsFile).close());
        }
        Optional<PredictInputs> read = Optional.empty();
        if (problems.isEmpty()) {
            IdxFile bytes = pixels.orElse(null);
            Normalization normalization = run.map(RunFolder::normalization).orElse(Normalization.UNIT);
            Path numbersFile = weightsFile == null ? dataFile : weightsFile;
            read = attempt(
                    () -> {
                        ModelSource model = source.orElseThrow();
                        ModelDescription network = model.description();
                        if (isSet) {
                            DataFile.Loaded loaded =
                                    samples(backpack, dataFile, model, weightsFile, dtype, normalization);
                            return new PredictInputs(model.json(), loaded);
                        }
                        if (model.numbers().isPresent()) {
                            ModelNumbers own = model.numbers().get();
                            DataFile.Loaded loaded = bytes != null
                                    ? images(backpack, bytes, dataFile, network, own, dtype, normalization)
                                    : own(backpack, dataFile, model, own, dtype);
                            return new PredictInputs(model.json(), loaded);
                        }
                        try (Safetensors numbers = Safetensors.open(numbersFile)) {
                            DataFile numbered = new DataFile(numbersFile.toString(), numbers, network);
                            DataFile.Loaded loaded = bytes != null
                                    ? images(backpack, bytes, dataFile, network, numbered, dtype, normalization)
                                    : tensors(backpack, dataFile, network, numbered, dtype);
                            return new PredictInputs(model.json(), loaded);
                        }
                    },
                    problems);
        }
        problems.throwIfAny();
        return read.orElseThrow();
    }

    /** Of a data set; its targets are not looked at. */
    private static DataFile.Loaded samples(
            BackPack backpack,
            Path data,
            ModelSource source,
            @Nullable Path weights,
            @Nullable DType dtype,
            Normalization normalization) {
        ModelDescription network = source.description();
        try (SampleData samples = SampleData.open(backpack, network, data.toString(), normalization)) {
            Shape[] shapes = samples.shapes().toArray(Shape[]::new);
            Model model;
            if (weights == null) {
                ModelNumbers own = source.numbers().orElseThrow();
                model = own.loadModel(backpack, network, dtype != null ? dtype : own.dtype(), shapes);
            } else {
                try (Safetensors file = Safetensors.open(weights)) {
                    DataFile numbered = new DataFile(weights.toString(), file, network);
                    model = numbered.loadModel(backpack, dtype != null ? dtype : numbered.dtype(), shapes);
                }
            }
            try {
                int count = Math.toIntExact(samples.source().samples());
                return new DataFile.Loaded(model, samples.batch(backpack, model.dtype(), count), Optional.empty());
            } catch (RuntimeException | Error e) {
                model.close();
                throw e;
            }
        }
    }

    private static <T> Optional<T> attempt(Supplier<T> action, Problems problems) {
        try {
            return Optional.of(action.get());
        } catch (BackpackException e) {
            problems.collect(() -> {
                throw e;
            });
            return Optional.empty();
        }
    }

    private static boolean isIdx(Path file) {
        String name = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
        String plain = name.endsWith(".gz") ? name.substring(0, name.length() - ".gz".length()) : name;
        return !DataSets.areSeveral(file.toString()) && (plain.endsWith(".idx") || plain.matches(".*idx\\d-ubyte"));
    }

    private static Path required(String option, Path path, String expected) {
        if (Files.isDirectory(path)) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "%s names the folder '%s', but must name %s.".formatted(option, path, expected));
        }
        return path;
    }

    /** Of a model whose file has its numbers. */
    private static DataFile.Loaded own(
            BackPack backpack, Path dataFile, ModelSource source, ModelNumbers numbers, @Nullable DType dtype) {
        try (Safetensors file = Safetensors.open(dataFile)) {
            DataFile data = new DataFile(dataFile.toString(), file, source.description());
            DType type = dtype == null ? source.dtype(data.dtype()) : dtype;
            return data.loadForPrediction(backpack, type, Optional.of(numbers));
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
            ModelNumbers numbers,
            @Nullable DType dtype,
            Normalization normalization) {
        DType type = dtype != null ? dtype : numbers.dtype();
        Shape sample = sample(backpack, images, dataFile, description);
        Model model = numbers.loadModel(backpack, description, type, sample);
        return loaded(backpack, images, model, normalization);
    }

    private static DataFile.Loaded images(
            BackPack backpack,
            IdxFile images,
            Path dataFile,
            ModelDescription description,
            DataFile weights,
            @Nullable DType dtype,
            Normalization normalization) {
        DType type = dtype != null ? dtype : weights.dtype();
        Shape sample = sample(backpack, images, dataFile, description);
        return loaded(backpack, images, weights.loadModel(backpack, type, sample), normalization);
    }

    /** The shape in which the network takes an image. */
    private static Shape sample(BackPack backpack, IdxFile images, Path dataFile, ModelDescription description) {
        if (images.shape().rank() < 2 || description.inputs().size() != 1) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "'%s' holds bytes of shape %s, and the model has the inputs %s, but images [N, H, W] and one input are needed."
                            .formatted(dataFile, images.shape(), description.inputs()));
        }
        return ImageShapes.taken(backpack, description, images.shape().dropFirst(1));
    }

    private static DataFile.Loaded loaded(BackPack backpack, IdxFile images, Model model, Normalization normalization) {
        try {
            float[] pixels = new float[images.size()];
            for (int i = 0; i < pixels.length; i++) {
                pixels[i] = (float) normalization.value(images.value(i), 0);
            }
            Shape shape = model.inputShapes().get(0).prepend(images.shape().size(0));
            Batch batch = backpack.batch(model.dtype())
                    .input(model.graph().inputs().get(0), shape, pixels)
                    .build();
            return new DataFile.Loaded(model, batch, Optional.empty());
        } catch (RuntimeException | Error e) {
            model.close();
            throw e;
        }
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
