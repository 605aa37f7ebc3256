// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.files;

import io.backpack4j.formats.DataFile;
import io.backpack4j.formats.ModelSource;
import io.backpack4j.formats.Safetensors;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Model;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Models whose numbers do not stand beside their data. */
public final class NumberedModel {

    private NumberedModel() {}

    /**
     * Makes a model with its loss and its numbers. The caller closes it.
     *
     * @param numbers a safetensors file; null for those of the model's own file
     * @param ofData the type of the data
     * @param dtype the type to compute with; the wider one of numbers and data if null
     * @param shapes of one sample's inputs, in the model's order
     */
    public static Model open(
            BackPack backpack,
            ModelSource source,
            @Nullable Path numbers,
            DType ofData,
            @Nullable DType dtype,
            Shape... shapes) {
        return numbers == null
                ? withOwnNumbers(backpack, source, dtype == null ? source.dtype(ofData) : dtype, shapes)
                : withNumbers(backpack, source, numbers, ofData, dtype, shapes);
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
            BackPack backpack, ModelSource source, Path numbers, DType ofData, @Nullable DType dtype, Shape... shapes) {
        try (Safetensors file = Safetensors.open(numbers)) {
            DataFile numbered = new DataFile(numbers.toString(), file, source.description());
            boolean wide = numbered.dtype() == DType.FLOAT64 || ofData == DType.FLOAT64;
            DType type = dtype != null ? dtype : wide ? DType.FLOAT64 : DType.FLOAT32;
            return numbered.loadModelWithLoss(backpack, type, shapes);
        }
    }
}
