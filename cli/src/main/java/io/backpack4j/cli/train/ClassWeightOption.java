// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.train;

import io.backpack4j.cli.options.ClassWeightNames;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.LossDescription;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.Batches;
import io.backpack4j.training.data.ClassWeights;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How much the classes count in the loss. */
final class ClassWeightOption {

    private static final Set<String> WEIGHTED = Set.of("CrossEntropyLoss", "NLLLoss");
    private static final String WEIGHT = "weight";

    @Option(
            names = "--class-weights",
            paramLabel = "balanced|W,W,...",
            completionCandidates = ClassWeightNames.class,
            description =
                    "How much each class counts in the loss: numbers, or balanced, so that all classes count alike,"
                            + " however often they occur.")
    private @Nullable String weights;

    /**
     * The model with these weights in its loss; as it is if nobody asked for them.
     *
     * @param shapes of a sample's inputs
     * @param training what classes are counted in
     */
    ModelDescription weighted(BackPack backpack, ModelDescription model, List<Shape> shapes, Batches training) {
        if (weights == null) {
            return model;
        }
        LossDescription loss = model.loss();
        if (!WEIGHTED.contains(loss.type())) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "--class-weights needs a loss that has a weight for each class, CrossEntropyLoss or NLLLoss, but the model's is %s."
                            .formatted(loss.type()));
        }
        Map<String, @Nullable Object> arguments = new LinkedHashMap<>(loss.arguments());
        arguments.put(WEIGHT, values(weights, backpack, model, shapes, training));
        return new ModelDescription(
                model.nodes(), model.inputs(), model.output(), new LossDescription(loss.type(), arguments));
    }

    private static List<Double> values(
            String text, BackPack backpack, ModelDescription model, List<Shape> shapes, Batches training) {
        if (text.strip().equals(ClassWeightNames.BALANCED)) {
            try (Model plain = backpack.model(model, DType.FLOAT32, shapes.toArray(Shape[]::new))) {
                return ClassWeights.balanced(
                        training, Math.toIntExact(plain.outputShape().size(0)));
            }
        }
        try {
            return Arrays.stream(text.split(",", -1))
                    .map(String::strip)
                    .map(Double::valueOf)
                    .toList();
        } catch (NumberFormatException e) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "--class-weights is '%s', but must be 'balanced' or a number for each class, such as 1,2.5,1."
                            .formatted(text),
                    e);
        }
    }
}
