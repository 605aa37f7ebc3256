// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.influence;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.extension.CurvatureExtension;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.training.data.DataSource;
import java.util.EnumMap;
import java.util.Map;
import java.util.Set;

/**
 * Which labels of a classifier's data are suspicious: every {@link LabelScore} of every sample, from passes over the
 * data in batches. Memory grows with the batch and with the number of classes, not with the data.
 *
 * <pre>{@code
 * CurvatureExtension<?> curvature = (CurvatureExtension<?>) backpack.catalog().extension("KFAC", Map.of());
 * LabelScores scores = LabelAudit.scores(backpack, model, curvature, 0.1, training, 256);
 * int first = scores.order(LabelScore.LOSS)[0];
 * }</pre>
 */
public final class LabelAudit {

    static final PassOptions EVALUATION = PassOptions.DEFAULT.mode(Mode.EVAL);

    private static final Set<String> CLASSIFICATION = Set.of("CrossEntropyLoss", "NLLLoss");

    private LabelAudit() {}

    /**
     * Scores all labels. Modules work in {@link Mode#EVAL}.
     *
     * @param model with CrossEntropyLoss or NLLLoss and an output {@code [N, C]}
     * @param curvature of the self-influence, such as KFAC
     * @param damping λ of the self-influence, at least 0
     * @param data targets are class indices {@code [N]}; stays the caller's
     * @param batch samples per pass; changes no number beyond rounding
     * @throws BackpackException if something does not fit, or {@code NotPositiveDefinite} without enough damping
     */
    public static LabelScores scores(
            BackPack backpack,
            Model model,
            CurvatureExtension<?> curvature,
            double damping,
            DataSource data,
            int batch) {
        int classes = classes(model);
        TrainingData batches = new TrainingData(backpack, model.dtype(), data, batch);
        Map<LabelScore, double[]> values = new EnumMap<>(LabelScore.class);
        LabelPass pass;
        try (ClassDirections directions = new ClassDirections(backpack, model, classes)) {
            pass = new LabelPass(backpack, model, Math.toIntExact(data.samples()), classes, directions);
            for (int number = 0; number < batches.count(); number++) {
                try (Batch one = batches.upload(number)) {
                    pass.add(one);
                }
            }
            values.put(LabelScore.LOSS, pass.losses());
            values.put(LabelScore.GRADIENT_NORM, pass.norms());
            values.put(LabelScore.ALIGNMENT, directions.alignments(batches, pass));
        }
        try (Influence influence = Influence.of(backpack, model, curvature, damping, data, batch)) {
            values.put(LabelScore.SELF_INFLUENCE, influence.selfInfluence());
        }
        return pass.scores(values);
    }

    private static int classes(Model model) {
        String loss = model.loss().type();
        if (!CLASSIFICATION.contains(loss)) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "Labels cannot be audited with %s: it has no classes. Use a model with CrossEntropyLoss or NLLLoss."
                            .formatted(loss));
        }
        if (model.outputShape().rank() != 1) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "Labels cannot be audited where the output of a sample has the shape %s: it must be [C], one label per sample."
                            .formatted(model.outputShape()));
        }
        return Math.toIntExact(model.outputShape().size(0));
    }
}
