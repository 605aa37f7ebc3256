// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear.loss;

import io.backpack4j.spi.backend.Activation;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import org.jspecify.annotations.Nullable;

/**
 * Binary cross-entropy with weights w of the elements and π of the positive targets: w ((1 − t) f + (1 + (π − 1) t)
 * log(1 + e^−f)).
 */
final class WeightedLogisticEvaluation extends DiagonalEvaluation {

    private static final Activation SIGMOID = Activation.of(Activation.Kind.SIGMOID);

    private final @Nullable ElementNumbers weight;
    private final @Nullable ElementNumbers posWeight;

    WeightedLogisticEvaluation(
            EvaluationContext context,
            Tensor output,
            Tensor targets,
            double normaliser,
            @Nullable ElementNumbers weight,
            @Nullable ElementNumbers posWeight) {
        super(context, output, targets, normaliser);
        this.weight = weight;
        this.posWeight = posWeight;
    }

    /** The last logarithm as max(−f, 0) + log(1 + exp(−|f|)). */
    @Override
    void writeTerms(TensorScope scope, Tensor targets, Tensor destination) {
        Tensor part = scope.allocate(output.shape(), output.dtype());
        ops.apply(UnaryOperation.ABS, output, destination);
        ops.affine(destination, -1, 0, destination);
        ops.apply(UnaryOperation.EXP, destination, destination);
        ops.apply(UnaryOperation.LOG1P, destination, destination);
        ops.affine(output, -1, 0, part);
        ops.combine(BinaryOperation.MAXIMUM, part, number(scope, 0), part);
        ops.addScaled(1, part, destination);
        weighByTarget(scope, targets, destination);
        ops.affine(targets, -1, 1, part);
        ops.combine(BinaryOperation.MULTIPLY, part, output, part);
        ops.addScaled(1, part, destination);
        weigh(scope, destination);
    }

    /** w ((1 − t) − (1 + (π − 1) t) σ(−f)). */
    @Override
    void writeDerivatives(TensorScope scope, Tensor targets, Tensor destination) {
        ops.affine(output, -1, 0, destination);
        ops.activation(SIGMOID, 0, destination, destination);
        weighByTarget(scope, targets, destination);
        ops.affine(destination, -1, 1, destination);
        ops.addScaled(-1, targets, destination);
        weigh(scope, destination);
    }

    /** w (1 + (π − 1) t) σ'(f). */
    @Override
    void writeCurvatures(TensorScope scope, Tensor targets, Tensor destination) {
        ops.activation(SIGMOID, 1, output, destination);
        weighByTarget(scope, targets, destination);
        weigh(scope, destination);
    }

    private void weighByTarget(TensorScope scope, Tensor targets, Tensor destination) {
        if (posWeight != null) {
            Tensor factors = scope.allocate(output.shape(), output.dtype());
            Tensor excess = posWeight.map(value -> value - 1).tensor(scope, output.dtype(), output.shape());
            ops.combine(BinaryOperation.MULTIPLY, targets, excess, factors);
            ops.affine(factors, 1, 1, factors);
            ops.combine(BinaryOperation.MULTIPLY, destination, factors, destination);
        }
    }

    private void weigh(TensorScope scope, Tensor destination) {
        if (weight != null) {
            Tensor weights = weight.tensor(scope, output.dtype(), output.shape());
            ops.combine(BinaryOperation.MULTIPLY, destination, weights, destination);
        }
    }
}
