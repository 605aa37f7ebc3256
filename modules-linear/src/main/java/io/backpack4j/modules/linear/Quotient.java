// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.module.Curvature;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.ParameterlessEvaluation;
import io.backpack4j.spi.module.PullbackTangent;
import io.backpack4j.spi.module.Tangents;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.Optional;

/**
 * The derivatives of y = a / b: ∂y/∂a = 1/b, ∂y/∂b = −y/b, ∂²y/∂a∂b = −1/b², ∂²y/∂b² = 2y/b².
 *
 * @param divisor b, {@code [N, *in]}
 * @param output y, {@code [N, *out]}
 * @param inputs one sample's inputs
 */
record Quotient(Tensor divisor, Tensor output, List<Shape> inputs) implements ParameterlessEvaluation.SecondDerivative {

    /** (ȧ − y ḃ) / b. */
    Tensor pushed(EvaluationContext context, Tangents tangents) {
        Elementwise ops = context.backend().elementwise();
        Tensor result = context.scope().allocate(output.shape().prepend(tangents.columns()), output.dtype());
        Optional<Tensor> ofDivisor = tangents.input(1);
        if (ofDivisor.isPresent()) {
            ops.combine(BinaryOperation.MULTIPLY, ofDivisor.get(), output, result);
            ops.affine(result, -1, 0, result);
        } else {
            ops.fill(result, 0);
        }
        if (tangents.input(0).isPresent()) {
            ops.combine(BinaryOperation.ADD, result, tangents.input(0).get(), result);
        }
        ops.combine(BinaryOperation.DIVIDE, result, divisor, result);
        return result;
    }

    /** g / b, or −g y / b. */
    Tensor pulled(EvaluationContext context, Tensor cotangents, int index) {
        Elementwise ops = context.backend().elementwise();
        try (TensorScope scope = context.backend().openScope()) {
            Tensor full = scope.allocate(cotangents.shape(), cotangents.dtype());
            ops.combine(BinaryOperation.DIVIDE, cotangents, divisor, full);
            if (index == 1) {
                ops.combine(BinaryOperation.MULTIPLY, full, output, full);
                ops.affine(full, -1, 0, full);
            }
            return Broadcast.reduced(context, context.scope(), full, inputs.get(index));
        }
    }

    @Override
    public Curvature curvature(EvaluationContext context, Tensor cotangents) {
        Tensor mixed = mixed(context, cotangents);
        Tensor twice = context.scope().allocate(output.shape(), output.dtype());
        context.backend().elementwise().combine(BinaryOperation.MULTIPLY, mixed, output, twice);
        context.backend().elementwise().affine(twice, -2, 0, twice);
        return new CouplingCurvature(
                inputs,
                List.of(new CouplingCurvature.Coupling(0, 1, mixed), new CouplingCurvature.Coupling(1, 1, twice)));
    }

    /** With m = −g / b²: m ḃ for a, m ȧ − 2 m y ḃ for b. */
    @Override
    public PullbackTangent pullbackTangent(EvaluationContext context, Tensor cotangents, Tangents tangents) {
        Tensor mixed = mixed(context, cotangents);
        return index -> index == 0
                ? tangents.input(1).map(moving -> change(context, moving, mixed, 0))
                : changeOfDivisor(context, mixed, tangents);
    }

    private Optional<Tensor> changeOfDivisor(EvaluationContext context, Tensor mixed, Tangents tangents) {
        if (tangents.input(0).isEmpty() && tangents.input(1).isEmpty()) {
            return Optional.empty();
        }
        Elementwise ops = context.backend().elementwise();
        try (TensorScope scope = context.backend().openScope()) {
            Tensor full = scope.allocate(output.shape().prepend(tangents.columns()), output.dtype());
            if (tangents.input(1).isPresent()) {
                ops.combine(BinaryOperation.MULTIPLY, tangents.input(1).get(), output, full);
                ops.affine(full, -2, 0, full);
            } else {
                ops.fill(full, 0);
            }
            if (tangents.input(0).isPresent()) {
                ops.combine(BinaryOperation.ADD, full, tangents.input(0).get(), full);
            }
            ops.combine(BinaryOperation.MULTIPLY, full, mixed, full);
            return Optional.of(Broadcast.reduced(context, context.scope(), full, inputs.get(1)));
        }
    }

    private Tensor change(EvaluationContext context, Tensor tangent, Tensor factor, int index) {
        try (TensorScope scope = context.backend().openScope()) {
            long columns = tangent.shape().size(0);
            Tensor full = scope.allocate(output.shape().prepend(columns), output.dtype());
            context.backend().elementwise().combine(BinaryOperation.MULTIPLY, tangent, factor, full);
            return Broadcast.reduced(context, context.scope(), full, inputs.get(index));
        }
    }

    /** −g / b², {@code [N, *out]}. */
    private Tensor mixed(EvaluationContext context, Tensor cotangents) {
        Elementwise ops = context.backend().elementwise();
        Tensor mixed = context.scope().allocate(output.shape(), output.dtype());
        try (TensorScope scope = context.backend().openScope()) {
            ops.combine(BinaryOperation.DIVIDE, scope.view(cotangents, output.shape()), divisor, mixed);
        }
        ops.combine(BinaryOperation.DIVIDE, mixed, divisor, mixed);
        ops.affine(mixed, -1, 0, mixed);
        return mixed;
    }
}
