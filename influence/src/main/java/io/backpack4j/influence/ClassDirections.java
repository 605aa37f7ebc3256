// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.influence;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.RunOperands;
import io.backpack4j.kernel.RunOptions;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Σ g_m/‖g_m‖ over the samples of each label, {@code [C, *p]} per parameter. The mean cosine of a sample's gradient
 * with those of the others of its label is (⟨g_n/‖g_n‖, Σ_m g_m/‖g_m‖⟩ − 1)/(N_c − 1).
 */
final class ClassDirections implements AutoCloseable {

    private final BackPack backpack;
    private final Model model;
    private final int classes;
    private final TensorScope scope;
    private final Map<String, Tensor> sums = new LinkedHashMap<>();

    ClassDirections(BackPack backpack, Model model, int classes) {
        this.backpack = backpack;
        this.model = model;
        this.classes = classes;
        this.scope = backpack.backend().openScope();
        for (String parameter : model.parameters().trainable()) {
            Shape shape = model.parameters().spec(parameter).shape().prepend(classes);
            Tensor sum = scope.allocate(shape, model.dtype());
            backpack.backend().elementwise().fill(sum, 0);
            sums.put(parameter, sum);
        }
    }

    /**
     * Adds the directions of a batch.
     *
     * @param gradients of the samples, {@code [1, N, *p]}
     * @param lengths their norms over all parameters, {@code [N]}
     * @param labels of all samples of the data
     * @param from where the batch's begin
     */
    void add(String parameter, Tensor gradients, double[] lengths, long[] labels, int from) {
        int count = lengths.length;
        double[] weights = new double[classes * count];
        for (int n = 0; n < count; n++) {
            weights[(int) labels[from + n] * count + n] = lengths[n] > 0 ? 1 / lengths[n] : 0;
        }
        Backend backend = backpack.backend();
        try (TensorScope step = backend.openScope()) {
            Tensor rows = step.view(gradients, Rows.flat(gradients, count));
            Tensor weight = backend.upload(step, Shape.of(classes, count), model.dtype(), weights);
            Tensor sum = Objects.requireNonNull(sums.get(parameter), parameter);
            Tensor flat = step.view(sum, Rows.flat(sum, classes));
            backend.products().multiply(weight, false, rows, false, 1, 1, flat);
        }
    }

    /** The mean cosine of each sample's gradient with those of the others of its label, {@code [N]}. */
    double[] alignments(TrainingData data, LabelPass pass) {
        long[] labels = pass.labels();
        int[] ofLabel = new int[classes];
        for (long label : labels) {
            ofLabel[(int) label]++;
        }
        double[] alignments = new double[labels.length];
        RunOperands operands = RunOperands.NONE;
        for (Map.Entry<String, Tensor> sum : sums.entrySet()) {
            operands = operands.with(Projections.VECTORS, sum.getKey(), sum.getValue());
        }
        int done = 0;
        for (int number = 0; number < data.count(); number++) {
            try (Batch batch = data.upload(number)) {
                double factor = model.loss().normaliser(model.outputShape().prepend(batch.samples()), batch.targets());
                double[] dots = dots(batch, operands);
                int count = Math.toIntExact(batch.samples());
                for (int n = done; n < done + count; n++) {
                    int label = (int) labels[n];
                    double length = pass.norms()[n] * factor;
                    double others = dots[label * count + n - done] / length - 1;
                    alignments[n] = length > 0 && ofLabel[label] > 1 ? others / (ofLabel[label] - 1) : 0;
                }
                done += count;
            }
        }
        return alignments;
    }

    /** ⟨Σ_m g_m/‖g_m‖, g_n⟩ over all parameters, {@code [C, N]}. */
    private double[] dots(Batch batch, RunOperands operands) {
        Projections projections = new Projections(classes);
        double[] dots = new double[classes * Math.toIntExact(batch.samples())];
        try (Results results = backpack.plan(model, batch, List.of(Request.of(projections)), LabelAudit.EVALUATION)
                .run(batch, RunOptions.seed(0).operands(operands))) {
            for (String parameter : model.parameters().trainable()) {
                double[] ofParameter = results.get(projections, parameter).toDoubleArray();
                for (int i = 0; i < dots.length; i++) {
                    dots[i] += ofParameter[i];
                }
            }
        }
        return dots;
    }

    @Override
    public void close() {
        scope.close();
    }
}
