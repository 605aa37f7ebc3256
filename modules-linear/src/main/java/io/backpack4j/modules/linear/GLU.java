// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleChecks;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * y = a ⊙ σ(b), a and b being the halves of the input along an axis.
 *
 * @param dim the axis; 0 is the batch and refused, negative numbers count from the end
 */
public record GLU(long dim) implements Module {

    /** Along the last axis. */
    public GLU() {
        this(-1);
    }

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        Shape sample = ModuleChecks.single(this, inputs);
        int axis = Checks.sampleAxis(this, "dim", dim, sample);
        long size = sample.size(axis);
        if (size % 2 != 0) {
            throw ModuleChecks.mismatch(
                    this,
                    "halves its input along dim = %d, but there samples of shape %s have the odd size %d."
                            .formatted(dim, sample, size));
        }
        return ModuleDeclaration.output(sample.with(axis, size / 2));
    }

    @Override
    public Optional<List<Integer>> positionAxes(List<Integer> outputAxes, List<Shape> inputs) {
        boolean halved = outputAxes.contains(Checks.sampleAxis(this, "dim", dim, inputs.get(0)));
        return halved ? Optional.empty() : Optional.of(outputAxes);
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        Tensor input = inputs.get(0);
        Shape shape = input.shape();
        int axis = Checks.sampleAxis(this, "dim", dim, shape.dropFirst(1)) + 1;
        long half = shape.size(axis) / 2;
        Tensor[] halves = new Tensor[2];
        for (int i = 0; i < 2; i++) {
            Region region = Region.all(shape).with(axis, i * half, half);
            halves[i] = context.scope().allocate(region.shape(), input.dtype());
            context.backend().indexing().extract(input, region, halves[i]);
        }
        return GLUEvaluation.of(context, shape, axis, halves[0], halves[1]);
    }
}
