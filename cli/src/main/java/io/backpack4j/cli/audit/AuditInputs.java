// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.audit;

import io.backpack4j.cli.files.NumberedModel;
import io.backpack4j.cli.files.RunFolder;
import io.backpack4j.cli.files.SampleData;
import io.backpack4j.cli.options.ModelOption;
import io.backpack4j.formats.ModelSource;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.DataSource;
import io.backpack4j.training.data.Normalization;
import io.backpack4j.training.files.DataSets;
import java.nio.file.Path;
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
        SampleData samples = SampleData.open(
                backpack, network, data, run.map(RunFolder::normalization).orElse(Normalization.UNIT));
        try {
            Shape[] shapes = samples.shapes().toArray(Shape[]::new);
            DataSets.Opened opened = samples.opened();
            Model model = NumberedModel.open(backpack, source, numbers, opened.dtype(), dtype, shapes);
            return new AuditInputs(model, samples.source(), opened);
        } catch (RuntimeException | Error e) {
            samples.close();
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

    /** Closes the model and the data. */
    @Override
    public void close() {
        try (DataSource last = opened.source()) {
            model.close();
        }
    }
}
