// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.evaluate;

import io.backpack4j.cli.files.RunFolder;
import io.backpack4j.cli.options.ModelOption;
import io.backpack4j.cli.options.TableColumns;
import io.backpack4j.formats.DataFile;
import io.backpack4j.formats.ModelSource;
import io.backpack4j.formats.Safetensors;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Model;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.TableRequest;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A model whose numbers do not stand beside its data.
 *
 * @param source the model
 * @param weights the file with its numbers, if that is not the model's own
 * @param dtype the type to compute with
 */
record TableModel(ModelSource source, Optional<Path> weights, DType dtype) {

    /**
     * Reads a model, but not its numbers.
     *
     * @param option a model file, or the folder of a training run
     * @param weights where the numbers are; those of the run or of the model's file if empty
     * @param dtype that of the numbers if null
     */
    static TableModel read(BackPack backpack, ModelOption option, Optional<Path> weights, @Nullable DType dtype) {
        Optional<RunFolder> run = RunFolder.find(option.file());
        Path file = run.map(RunFolder::model).orElse(option.file());
        ModelSource source = option.loss().openWithLoss(backpack.catalog(), file);
        TableColumns.requireOneInput(source.description());
        Optional<Path> numbers = weights.or(() -> run.map(RunFolder::parameters));
        if (numbers.isEmpty() && source.numbers().isEmpty()) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "A table has no parameters of the model. Name a safetensors file that has them with --weights, or a folder that 'train' wrote with --model.");
        }
        return new TableModel(source, numbers, dtype != null ? dtype : dtype(source, numbers));
    }

    private static DType dtype(ModelSource source, Optional<Path> weights) {
        if (weights.isEmpty()) {
            return source.dtype(DType.FLOAT32);
        }
        try (Safetensors file = Safetensors.open(weights.get())) {
            return new DataFile(weights.get().toString(), file, source.description()).dtype();
        }
    }

    /** What the model wants of a table. */
    TableRequest request(BackPack backpack, TableOptions options, @Nullable String data) {
        Optional<TablePart> part = options.part();
        TableRequest request = options.columns()
                .request(
                        backpack.catalog(),
                        source.description(),
                        dtype,
                        data,
                        options.batch(),
                        part.map(TablePart::rows));
        boolean sorted =
                part.flatMap(TablePart::order).map(TablePart.Order::ofIds).orElse(false);
        return sorted ? request.inOrderOfIds() : request;
    }

    /**
     * Makes the model with its numbers.
     *
     * @param sample the shape of one sample's input
     */
    Model open(BackPack backpack, Shape sample) {
        if (weights.isPresent()) {
            try (Safetensors file = Safetensors.open(weights.get())) {
                return new DataFile(weights.get().toString(), file, source.description())
                        .loadModelWithLoss(backpack, dtype, sample);
            }
        }
        Model model = backpack.model(source.description(), dtype, sample);
        try {
            source.numbers().orElseThrow().fill(model.parameters());
            return model;
        } catch (RuntimeException | Error e) {
            model.close();
            throw e;
        }
    }
}
