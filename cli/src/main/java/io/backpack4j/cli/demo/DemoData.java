// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.demo;

import io.backpack4j.cli.files.TextWindows;
import io.backpack4j.formats.DataFile;
import io.backpack4j.formats.IdxFile;
import io.backpack4j.formats.Safetensors;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.nio.file.Path;
import java.util.List;
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
     * @param description the model
     * @param files none for the digits that ship with this program, one safetensors file, or IDX files of images and
     *     labels
     * @param samples how many; null means {@value #SAMPLES} images, or all samples of a safetensors file
     */
    static DemoData load(
            BackPack backpack,
            ModelDescription description,
            List<Path> files,
            DType dtype,
            @Nullable Integer samples,
            long seed) {
        return switch (files.size()) {
            case 0 ->
                images(backpack, description, new Digits(), "digits of MNIST's training set", dtype, samples, seed);
            case 1 -> batch(backpack, description, files.get(0), dtype, samples);
            case 2 -> {
                Digits digits = new Digits(IdxFile.read(files.get(0)), IdxFile.read(files.get(1)));
                yield images(backpack, description, digits, "images of " + files.get(0), dtype, samples, seed);
            }
            default ->
                throw new BackpackException(
                        CommonProblems.INVALID_OPTION,
                        "--data names %d files, but takes one or two.".formatted(files.size()));
        };
    }

    private static DemoData batch(
            BackPack backpack, ModelDescription description, Path path, DType dtype, @Nullable Integer samples) {
        if (samples != null) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "--batch selects images. Of '%s' all samples are taken.".formatted(path));
        }
        try (Safetensors file = Safetensors.open(path)) {
            DataFile.Loaded loaded = new DataFile(path.toString(), file, description).load(backpack, dtype);
            String about = "all %d samples of %s".formatted(loaded.batch().samples(), path);
            return new DemoData(
                    description, loaded.model(), loaded.batch(), about, "parameters of that file", Optional.empty());
        }
    }

    private static DemoData images(
            BackPack backpack,
            ModelDescription description,
            Digits digits,
            String name,
            DType dtype,
            @Nullable Integer samples,
            long seed) {
        int count = samples == null ? Math.min(SAMPLES, digits.size()) : samples;
        String about = "the first %d %s, pixels from 0 to 1".formatted(count, name);
        Model model = model(backpack, description, dtype, digits.sample());
        try {
            model.parameters().initialize(seed);
            Batch batch =
                    digits.batch(backpack, dtype, count, model.inputShapes().get(0));
            return new DemoData(
                    description,
                    model,
                    batch,
                    about,
                    "not trained, parameters drawn as PyTorch does, from seed " + seed,
                    Optional.empty());
        } catch (RuntimeException | Error e) {
            model.close();
            throw e;
        }
    }

    /** Makes the model for images {@code [H, W]}, {@code [1, H, W]} or {@code [H * W]}, whatever it takes first. */
    private static Model model(BackPack backpack, ModelDescription description, DType dtype, Shape image) {
        try {
            return backpack.model(description, dtype, image);
        } catch (BackpackException e) {
            for (Shape other : List.of(image.prepend(1), Shape.of(image.elements()))) {
                try {
                    return backpack.model(description, dtype, other);
                } catch (BackpackException another) {
                    e.addSuppressed(another);
                }
            }
            throw e;
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
