// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import io.backpack4j.kernel.Catalog;
import io.backpack4j.kernel.LossDescription;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A model from a file, whatever its format: JSON, or one that a plugin reads.
 *
 * @param description the model
 * @param json the model as a model file has it
 * @param numbers its parameters and buffers, where the file has them
 * @param inputs the shapes of one sample's inputs, by name, where the file says them
 * @param notices what a user should know about how the file was read
 */
public record ModelSource(
        ModelDescription description,
        String json,
        Optional<ModelNumbers> numbers,
        Map<String, Shape> inputs,
        List<String> notices) {

    /** Copies the collections. */
    public ModelSource {
        inputs = Map.copyOf(inputs);
        notices = List.copyOf(notices);
    }

    /**
     * Opens a model.
     *
     * @param loss the loss that the model gets instead of its file's
     * @throws BackpackException if it cannot be read
     */
    public static ModelSource open(Catalog catalog, Path file, Optional<LossDescription> loss) {
        Optional<ModelFormat> format = format(catalog, file);
        if (format.isPresent()) {
            ForeignModel model = format.get().read(file, catalog, loss.orElse(LossDescription.NONE));
            return new ModelSource(
                    model.description(),
                    ModelWriter.write(model.description()),
                    Optional.of(model.numbers()),
                    model.inputs(),
                    model.notices());
        }
        String text = ModelFile.text(file);
        ModelDescription description = ModelFile.parse(text, file.toString());
        if (loss.isEmpty()) {
            return new ModelSource(description, text, Optional.empty(), Map.of(), List.of());
        }
        ModelDescription other =
                new ModelDescription(description.nodes(), description.inputs(), description.output(), loss.get());
        return of(other);
    }

    /** A model whose numbers are elsewhere. */
    public static ModelSource of(ModelDescription description) {
        return new ModelSource(description, ModelWriter.write(description), Optional.empty(), Map.of(), List.of());
    }

    /** The type to compute with if nobody says: the wider one of the model's numbers and of its data. */
    public DType dtype(DType ofData) {
        boolean wide = numbers.map(ModelNumbers::dtype).orElse(ofData) == DType.FLOAT64;
        return wide ? DType.FLOAT64 : ofData;
    }

    /** The format that a plugin brings for a file, by the file's name. */
    public static Optional<ModelFormat> format(Catalog catalog, Path file) {
        return catalog.services(ModelFormat.class).stream()
                .filter(format -> format.isFormatOf(file))
                .findFirst();
    }

    /**
     * Reads a loss such as {@code CrossEntropyLoss(reduction=mean)}.
     *
     * @throws BackpackException if the text is not one expression
     */
    public static LossDescription loss(String text) {
        List<ExtensionExpression> expressions = ExtensionExpressions.parse(text);
        if (expressions.size() != 1) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "--loss is '%s', but must name one loss, such as CrossEntropyLoss(reduction=mean)."
                            .formatted(text));
        }
        return new LossDescription(
                expressions.get(0).type(), Map.copyOf(expressions.get(0).options()));
    }
}
