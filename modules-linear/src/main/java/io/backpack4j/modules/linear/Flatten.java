// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleChecks;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.ParameterlessEvaluation;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import java.util.Map;

/**
 * Joins neighbouring axes into one. Axis 0 is the batch, which stays as it is; negative numbers count from the end. The
 * output shares the input's memory.
 *
 * @param startDim the first axis to join, not 0
 * @param endDim the last axis to join
 */
public record Flatten(long startDim, long endDim) implements Module {

    public Flatten {
        if (startDim == 0) {
            throw keepBatch(startDim);
        }
    }

    /** Makes each sample a vector. */
    public Flatten() {
        this(1, -1);
    }

    @Override
    public boolean isView() {
        return true;
    }

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        return ModuleDeclaration.output(flat(ModuleChecks.single(this, inputs))).shareJacobian();
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        Shape shape = inputs.get(0).shape();
        Shape flat = flat(shape.dropFirst(1)).prepend(shape.size(0));
        return ParameterlessEvaluation.ofOneInput(
                context.scope().view(inputs.get(0), flat),
                (forward, tangents) -> reshaped(forward, tangents, flat),
                (pullback, cotangents) -> reshaped(pullback, cotangents, shape));
    }

    /** V columns with another shape of the batch. */
    static Tensor reshaped(EvaluationContext context, Tensor columns, Shape batch) {
        return context.scope().view(columns, batch.prepend(columns.shape().size(0)));
    }

    private Shape flat(Shape sample) {
        int start = Checks.axis(this, "start_dim", startDim, sample);
        int end = Checks.axis(this, "end_dim", endDim, sample);
        if (start == 0) {
            throw keepBatch(startDim);
        }
        if (start > end) {
            throw ModuleChecks.mismatch(
                    this,
                    "joins axes from start_dim = %d to end_dim = %d, which comes before it with samples of shape %s."
                            .formatted(startDim, endDim, sample));
        }
        return sample.slice(0, start - 1)
                .append(sample.elements(start - 1, end))
                .append(sample.dropFirst(end).toArray());
    }

    private BackpackException keepBatch(long value) {
        return ModuleChecks.invalid(
                type(),
                "start_dim",
                value,
                "an axis behind the batch, which is axis 0; start_dim=1 joins all axes of a sample");
    }
}
