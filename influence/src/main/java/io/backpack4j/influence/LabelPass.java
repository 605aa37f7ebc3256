// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.influence;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.RunOptions;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.Map;

/** Collects what one pass over the data says about labels, batch by batch. */
final class LabelPass {

    private final BackPack backpack;
    private final Model model;
    private final int classes;
    private final ClassDirections directions;
    private final long[] ids;
    private final long[] labels;
    private final int[] predicted;
    private final double[] labelProbabilities;
    private final double[] predictedProbabilities;
    private final double[] losses;
    private final double[] norms;
    private int done;

    LabelPass(BackPack backpack, Model model, int samples, int classes, ClassDirections directions) {
        this.backpack = backpack;
        this.model = model;
        this.classes = classes;
        this.directions = directions;
        this.ids = new long[samples];
        this.labels = new long[samples];
        this.predicted = new int[samples];
        this.labelProbabilities = new double[samples];
        this.predictedProbabilities = new double[samples];
        this.losses = new double[samples];
        this.norms = new double[samples];
    }

    /** Adds the samples that follow. */
    void add(Batch batch) {
        int count = Math.toIntExact(batch.samples());
        readLabels(batch, count);
        System.arraycopy(batch.sampleIds(), 0, ids, done, count);
        SampleGradients extension = new SampleGradients();
        try (Results results = backpack.plan(model, batch, List.of(Request.of(extension)), LabelAudit.EVALUATION)
                        .run(batch, RunOptions.seed(0));
                TensorScope scope = backpack.backend().openScope()) {
            System.arraycopy(results.lossPerSample().toDoubleArray(), 0, losses, done, count);
            predict(results.output().toDoubleArray(), count);
            double[] squares = new double[count];
            for (String parameter : model.parameters().trainable()) {
                Tensor gradient = results.get(extension, parameter);
                Tensor rows = scope.view(gradient, Rows.flat(gradient, count));
                Rows.addDots(backpack.backend(), rows, rows, squares);
            }
            double factor = model.loss().normaliser(model.outputShape().prepend(count), batch.targets());
            double[] lengths = new double[count];
            for (int n = 0; n < count; n++) {
                lengths[n] = Math.sqrt(squares[n]);
                norms[done + n] = lengths[n] / factor;
            }
            for (String parameter : model.parameters().trainable()) {
                directions.add(parameter, results.get(extension, parameter), lengths, labels, done);
            }
        }
        done += count;
    }

    private void readLabels(Batch batch, int count) {
        Tensor targets = batch.targets();
        if (targets.dtype() != DType.INT64 || !targets.shape().equals(Shape.of(count))) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "Labels cannot be audited where targets are %s of shape %s: they must be class indices [N]."
                            .formatted(targets.dtype(), targets.shape()));
        }
        targets.read(0, labels, done, count);
        for (int n = done; n < done + count; n++) {
            if (labels[n] < 0 || labels[n] >= classes) {
                throw new BackpackException(
                        CommonProblems.INVALID_ARGUMENT,
                        "The label of sample %d is %d, but labels to be audited must be from 0 to %d. Leave out samples without labels."
                                .formatted(n, labels[n], classes - 1));
            }
        }
    }

    /** The softmax of outputs; log probabilities, as NLLLoss takes them, stay what they are. */
    private void predict(double[] output, int count) {
        for (int n = 0; n < count; n++) {
            int from = n * classes;
            int greatest = 0;
            for (int c = 1; c < classes; c++) {
                greatest = output[from + c] > output[from + greatest] ? c : greatest;
            }
            double sum = 0;
            for (int c = 0; c < classes; c++) {
                sum += Math.exp(output[from + c] - output[from + greatest]);
            }
            int label = (int) labels[done + n];
            predicted[done + n] = greatest;
            predictedProbabilities[done + n] = 1 / sum;
            labelProbabilities[done + n] = Math.exp(output[from + label] - output[from + greatest]) / sum;
        }
    }

    long[] labels() {
        return labels;
    }

    double[] losses() {
        return losses;
    }

    double[] norms() {
        return norms;
    }

    LabelScores scores(Map<LabelScore, double[]> values) {
        return new LabelScores(ids, labels, predicted, labelProbabilities, predictedProbabilities, values);
    }
}
