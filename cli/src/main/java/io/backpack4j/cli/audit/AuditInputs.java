// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.audit;

import io.backpack4j.cli.files.ImageShapes;
import io.backpack4j.cli.files.RunFolder;
import io.backpack4j.cli.files.ShippedDigits;
import io.backpack4j.cli.options.ModelOption;
import io.backpack4j.formats.DataFile;
import io.backpack4j.formats.ModelSource;
import io.backpack4j.formats.Safetensors;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.DataSource;
import io.backpack4j.training.data.Normalization;
import io.backpack4j.training.data.NormalizedSource;
import io.backpack4j.training.data.ReshapedSource;
import io.backpack4j.training.files.DataSets;
import io.backpack4j.training.files.IdxSource;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What {@code audit} reads.
 *
 * @param model the model with its numbers
 * @param source the samples as the model takes them
 * @param opened the data as it was opened
 */
record AuditInputs(Model model, DataSource source, DataSets.Opened opened) implements AutoCloseable {

    /**
     * Reads a model, its numbers and data.
     *
     * @param option a model file, or a folder of a training run
     * @param data as {@code train} takes it; null for the digits that ship with this program
     * @param weights where the numbers are; if null, in the run's folder, or else in the data file
     * @param dtype the type to compute with; that of the numbers if null
     */
    static AuditInputs read(
            BackPack backpack,
            ModelOption option,
            @Nullable String data,
            @Nullable Path weights,
            @Nullable DType dtype) {
        Optional<RunFolder> run = RunFolder.find(option.file());
        ModelSource source = option.loss()
                .openWithLoss(backpack.catalog(), run.map(RunFolder::model).orElse(option.file()));
        ModelDescription network = source.description();
        Path numbers =
                weights != null ? weights : run.map(RunFolder::parameters).orElse(null);
        if (numbers == null && source.numbers().isEmpty()) {
            numbers = besideData(data);
        }
        DataSets.Opened opened = open(data, network);
        try {
            Shape[] shapes = opened.areBytes()
                    ? new Shape[] {
                        ImageShapes.taken(backpack, network, opened.samples().get(0))
                    }
                    : opened.samples().toArray(Shape[]::new);
            DataSource samples = opened.areBytes()
                    ? new ReshapedSource(
                            new NormalizedSource(
                                    opened.source(),
                                    run.map(RunFolder::normalization).orElse(Normalization.UNIT)),
                            shapes[0])
                    : opened.source();
            Model model = numbers == null
                    ? withOwnNumbers(backpack, source, dtype == null ? source.dtype(opened.dtype()) : dtype, shapes)
                    : withNumbers(backpack, network, numbers, opened, dtype, shapes);
            return new AuditInputs(model, samples, opened);
        } catch (RuntimeException | Error e) {
            opened.source().close();
            throw e;
        }
    }

    private static Path besideData(@Nullable String data) {
        if (data == null || !data.toLowerCase(Locale.ROOT).endsWith(".safetensors")) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "Nothing has the parameters of the model. Name the folder of a training run with --model, or a safetensors file with --weights.");
        }
        return Path.of(data);
    }

    private static DataSets.Opened open(@Nullable String data, ModelDescription network) {
        return data == null
                ? new DataSets.Opened(
                        new IdxSource(ShippedDigits.images(), ShippedDigits.labels()),
                        List.of(Shape.of(28, 28)),
                        true,
                        "digits of MNIST's training set")
                : DataSets.open(data, network.inputs());
    }

    private static Model withOwnNumbers(BackPack backpack, ModelSource source, DType dtype, Shape... shapes) {
        Model model = backpack.model(source.description(), dtype, shapes);
        try {
            source.numbers().orElseThrow().fill(model.parameters());
            return model;
        } catch (RuntimeException | Error e) {
            model.close();
            throw e;
        }
    }

    private static Model withNumbers(
            BackPack backpack,
            ModelDescription network,
            Path numbers,
            DataSets.Opened opened,
            @Nullable DType dtype,
            Shape... shapes) {
        try (Safetensors file = Safetensors.open(numbers)) {
            DataFile numbered = new DataFile(numbers.toString(), file, network);
            boolean wide = numbered.dtype() == DType.FLOAT64 || opened.dtype() == DType.FLOAT64;
            DType type = dtype != null ? dtype : wide ? DType.FLOAT64 : DType.FLOAT32;
            return numbered.loadModelWithLoss(backpack, type, shapes);
        }
    }

    /** Closes the model and the data. */
    @Override
    public void close() {
        try (DataSource last = opened.source()) {
            model.close();
        }
    }
}
