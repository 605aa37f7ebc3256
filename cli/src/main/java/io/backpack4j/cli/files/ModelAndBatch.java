// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.files;

import io.backpack4j.formats.DataFile;
import io.backpack4j.formats.ModelSource;
import io.backpack4j.formats.Safetensors;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.Normalization;
import io.backpack4j.training.files.DataSets;
import java.nio.file.Path;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * A model of a file in whatever format, and a batch of data in whatever format.
 *
 * @param model with its numbers; closed with this
 * @param batch closed with this
 * @param about the samples in words
 * @param parameters where the model's numbers come from, in words
 * @param wording says a failure to plan in words of the files
 */
public record ModelAndBatch(
        Model model, Batch batch, String about, String parameters, UnaryOperator<BackpackException> wording)
        implements AutoCloseable {

    /**
     * Reads both. Parameters are those of the model's file, or else of a safetensors data file; where data of another
     * format has none they are drawn.
     *
     * @param data as {@link DataSets#open} takes it; null for the digits that ship with this program
     * @param dtype the type to compute with; that of the files if null
     * @param samples how many; null for all. A safetensors file is taken as a whole
     * @param seed of drawn parameters
     */
    public static ModelAndBatch read(
            BackPack backpack,
            ModelSource source,
            @Nullable String data,
            @Nullable DType dtype,
            @Nullable Integer samples,
            long seed) {
        return read(backpack, source, data, dtype, samples, Integer.MAX_VALUE, seed);
    }

    /**
     * Reads both.
     *
     * @param most how many samples of a data set are taken at most if nobody says how many
     */
    public static ModelAndBatch read(
            BackPack backpack,
            ModelSource source,
            @Nullable String data,
            @Nullable DType dtype,
            @Nullable Integer samples,
            int most,
            long seed) {
        return data == null || DataSets.isDataSet(data)
                ? ofSamples(backpack, source, data, dtype, samples, most, seed)
                : ofFile(backpack, source, data, dtype, samples);
    }

    private static ModelAndBatch ofFile(
            BackPack backpack, ModelSource source, String data, @Nullable DType dtype, @Nullable Integer samples) {
        if (samples != null) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "--batch says how many samples of a data set are taken, but '%s' is taken as a whole. Leave it out."
                            .formatted(data));
        }
        try (Safetensors file = Safetensors.open(Path.of(data))) {
            DataFile read = new DataFile(data, file, source.description());
            DType type = dtype == null ? source.dtype(read.dtype()) : dtype;
            DataFile.Loaded loaded = read.load(backpack, type, source.numbers());
            return new ModelAndBatch(
                    loaded.model(),
                    loaded.batch(),
                    "all %d samples of %s".formatted(loaded.batch().samples(), data),
                    source.numbers().isPresent() ? "parameters of the model's file" : "parameters of that file",
                    loaded::inWordsOfTheFile);
        }
    }

    private static ModelAndBatch ofSamples(
            BackPack backpack,
            ModelSource source,
            @Nullable String data,
            @Nullable DType dtype,
            @Nullable Integer samples,
            int most,
            long seed) {
        try (SampleData opened = SampleData.open(backpack, source.description(), data, Normalization.UNIT)) {
            DType type = dtype == null ? source.dtype(opened.opened().dtype()) : dtype;
            Model model =
                    backpack.model(source.description(), type, opened.shapes().toArray(Shape[]::new));
            try {
                source.numbers()
                        .ifPresentOrElse(
                                numbers -> numbers.fill(model.parameters()),
                                () -> model.parameters().initialize(seed));
                Batch batch = opened.batch(
                        backpack,
                        type,
                        samples == null ? (int) Math.min(most, opened.source().samples()) : samples);
                String about = "the first %d %s%s"
                        .formatted(
                                batch.samples(),
                                opened.opened().about(),
                                opened.opened().areBytes() ? ", pixels from 0 to 1" : "");
                return new ModelAndBatch(
                        model,
                        batch,
                        about,
                        source.numbers().isPresent()
                                ? "parameters of the model's file"
                                : "not trained, parameters drawn as PyTorch does, from seed " + seed,
                        UnaryOperator.identity());
            } catch (RuntimeException | Error e) {
                model.close();
                throw e;
            }
        }
    }

    /** Closes both. */
    @Override
    public void close() {
        try (Model first = model) {
            batch.close();
        }
    }
}
