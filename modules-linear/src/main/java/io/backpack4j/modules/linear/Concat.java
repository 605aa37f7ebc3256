// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.backend.Indexing;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleChecks;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.ParameterlessEvaluation;
import io.backpack4j.spi.module.Tangents;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Puts one or more inputs behind each other along an axis; their other axes agree.
 *
 * @param dim the axis; 0 is the batch and refused, negative numbers count from the end
 */
public record Concat(long dim) implements Module {

    private static final String REMEDY =
            "an axis behind the batch, which is axis 0; dim=1 is the first axis of a sample";

    public Concat {
        if (dim == 0) {
            throw ModuleChecks.invalid(type(), "dim", dim, REMEDY);
        }
    }

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        Checks.atLeast(this, 1, inputs);
        Shape first = inputs.get(0);
        int axis = axis(first);
        long size = 0;
        for (Shape input : inputs) {
            boolean fits =
                    input.rank() == first.rank() && input.with(axis - 1, 0).equals(first.with(axis - 1, 0));
            if (!fits) {
                throw ModuleChecks.mismatch(
                        this,
                        "along dim = %d needs inputs that agree on all other axes, but samples have the shapes %s."
                                .formatted(dim, inputs));
            }
            size += input.size(axis - 1);
        }
        return ModuleDeclaration.output(first.with(axis - 1, size)).shareJacobian();
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        Shape first = inputs.get(0).shape();
        int axis = axis(first.dropFirst(1));
        long[] starts = new long[inputs.size() + 1];
        for (int i = 0; i < inputs.size(); i++) {
            starts[i + 1] = starts[i] + inputs.get(i).shape().size(axis);
        }
        Tensor output = context.scope()
                .allocate(first.with(axis, starts[inputs.size()]), inputs.get(0).dtype());
        Indexing indexing = context.backend().indexing();
        for (int i = 0; i < inputs.size(); i++) {
            Region region = Region.all(output.shape()).with(axis, starts[i], starts[i + 1] - starts[i]);
            indexing.insert(inputs.get(i), region, output);
        }
        Shape joined = output.shape();
        return new ParameterlessEvaluation(
                output,
                (forward, tangents) -> pushed(forward, tangents, joined, axis, starts),
                (pullback, cotangents, index) -> {
                    Region region = part(cotangents.shape(), axis, starts, index);
                    Tensor result = pullback.scope().allocate(region.shape(), cotangents.dtype());
                    pullback.backend().indexing().extract(cotangents, region, result);
                    return result;
                });
    }

    /** The tangents of the inputs behind each other, with zeros for those that stand still. */
    private static Tensor pushed(EvaluationContext context, Tangents tangents, Shape joined, int axis, long[] starts) {
        List<Optional<Tensor>> parts = tangents.inputs();
        Tensor any = parts.stream().flatMap(Optional::stream).findFirst().orElseThrow();
        Tensor result = context.scope().allocate(joined.prepend(tangents.columns()), any.dtype());
        if (parts.stream().anyMatch(Optional::isEmpty)) {
            context.backend().elementwise().fill(result, 0);
        }
        for (int i = 0; i < parts.size(); i++) {
            if (parts.get(i).isPresent()) {
                Region region = part(result.shape(), axis, starts, i);
                context.backend().indexing().insert(parts.get(i).get(), region, result);
            }
        }
        return result;
    }

    /**
     * Where an input's elements lie.
     *
     * @param columns {@code [V, N, *out]}
     */
    private static Region part(Shape columns, int axis, long[] starts, int input) {
        return Region.all(columns).with(axis + 1, starts[input], starts[input + 1] - starts[input]);
    }

    private int axis(Shape sample) {
        int axis = Checks.axis(this, "dim", dim, sample);
        if (axis == 0) {
            throw ModuleChecks.invalid(type(), "dim", dim, REMEDY);
        }
        return axis;
    }
}
