// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.demo;

import io.backpack4j.cli.files.ModelAndBatch;
import io.backpack4j.cli.files.TextWindows;
import io.backpack4j.formats.ModelSource;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.spi.tensor.DType;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What the demo runs.
 *
 * @param description the model as data
 * @param model with its numbers
 * @param batch the samples
 * @param about the samples in words
 * @param parameters where the model's numbers come from, in words
 * @param text the windows that the samples are the first of, if they are characters
 */
record DemoData(
        ModelDescription description,
        Model model,
        Batch batch,
        String about,
        String parameters,
        Optional<TextWindows> text)
        implements AutoCloseable {

    /** Images are taken with as many samples if nobody says how many. */
    static final int SAMPLES = 512;

    /**
     * Loads the samples and makes the model.
     *
     * @param source the model
     * @param data as {@code train} takes it, or a safetensors file with parameters; null for the digits that ship with
     *     this program
     * @param samples how many; null means {@value #SAMPLES} at most, or all samples of a safetensors file
     */
    static DemoData load(
            BackPack backpack,
            ModelSource source,
            @Nullable String data,
            DType dtype,
            @Nullable Integer samples,
            long seed) {
        ModelAndBatch read = ModelAndBatch.read(backpack, source, data, dtype, samples, SAMPLES, seed);
        return new DemoData(
                source.description(), read.model(), read.batch(), read.about(), read.parameters(), Optional.empty());
    }

    /** Closes both. */
    @Override
    public void close() {
        try (Model first = model) {
            batch.close();
        }
    }
}
