// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend.portable;

import static io.backpack4j.spi.backend.BinaryOperation.MAXIMUM;
import static io.backpack4j.spi.backend.BinaryOperation.MINIMUM;
import static io.backpack4j.spi.backend.BinaryOperation.MULTIPLY;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.Activation;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/**
 * Activation functions and their first two derivatives, made of plain operations in forms that neither overflow nor
 * cancel.
 */
public final class PortableActivations extends PortableFormulas {

    private PortableActivations(Elementwise ops, TensorScope scope, Tensor x, Tensor destination) {
        super(ops, scope, x, destination);
    }

    public static void apply(Backend backend, Activation activation, int order, Tensor x, Tensor destination) {
        try (TensorScope scope = backend.openScope()) {
            if (order < 0 || order > 2) {
                throw new BackpackException(
                        CommonProblems.INVALID_ORDER,
                        "Derivatives of order 0, 1 and 2 exist, not of order " + order + ".");
            }
            switch (activation.kind()) {
                case GELU, GELU_TANH, SILU, MISH ->
                    new PortableGates(backend.elementwise(), scope, x, destination).write(activation.kind(), order);
                case SOFTPLUS, SOFTSIGN, HARDTANH, HARDSIGMOID, HARDSWISH ->
                    new PortablePieces(backend.elementwise(), scope, x, destination).write(activation, order);
                default ->
                    new PortableActivations(backend.elementwise(), scope, x, destination).write(activation, order);
            }
        }
    }

    /** destination = f'(x), given y = f(x), where {@link Activation#derivativeFromOutput()}. */
    public static void derivativeFromOutput(Backend backend, Activation activation, Tensor y, Tensor destination) {
        try (TensorScope scope = backend.openScope()) {
            var writer = new PortableActivations(backend.elementwise(), scope, y, destination);
            switch (activation.kind()) {
                case RELU -> writer.derivative(activation);
                case LEAKY_RELU -> writer.slope(activation.parameter());
                case ELU -> writer.eluDerivativeFromOutput(activation.parameter(), 1);
                case SELU -> writer.eluDerivativeFromOutput(Activation.SELU_ALPHA, Activation.SELU_SCALE);
                case SIGMOID -> {
                    // y (1 - y)
                    Tensor complement = writer.temporary();
                    writer.ops.affine(y, -1, 1, complement);
                    writer.ops.combine(MULTIPLY, y, complement, destination);
                }
                case TANH -> {
                    // (1 - y) (1 + y)
                    Tensor complement = writer.temporary();
                    writer.ops.affine(y, -1, 1, complement);
                    writer.ops.affine(y, 1, 1, destination);
                    writer.ops.combine(MULTIPLY, destination, complement, destination);
                }
                default -> throw needsInput(activation);
            }
        }
    }

    /** destination = f''(x), given y = f(x), where {@link Activation#derivativeFromOutput()}. */
    public static void secondDerivativeFromOutput(
            Backend backend, Activation activation, Tensor y, Tensor destination) {
        try (TensorScope scope = backend.openScope()) {
            var writer = new PortableActivations(backend.elementwise(), scope, y, destination);
            switch (activation.kind()) {
                case RELU, LEAKY_RELU -> writer.ops.fill(destination, 0);
                case ELU -> writer.eluSecondDerivativeFromOutput(activation.parameter());
                case SELU -> writer.eluSecondDerivativeFromOutput(Activation.SELU_SCALE * Activation.SELU_ALPHA);
                case SIGMOID -> {
                    // y (1 - y) (1 - 2y)
                    derivativeFromOutput(backend, activation, y, destination);
                    Tensor factor = writer.temporary();
                    writer.ops.affine(y, -2, 1, factor);
                    writer.ops.combine(MULTIPLY, destination, factor, destination);
                }
                case TANH -> {
                    // -2 y (1 - y) (1 + y)
                    derivativeFromOutput(backend, activation, y, destination);
                    writer.ops.combine(MULTIPLY, destination, y, destination);
                    writer.ops.affine(destination, -2, 0, destination);
                }
                default -> throw needsInput(activation);
            }
        }
    }

    private void write(Activation activation, int order) {
        switch (order) {
            case 0 -> value(activation);
            case 1 -> derivative(activation);
            default -> secondDerivative(activation);
        }
    }

    private static BackpackException needsInput(Activation activation) {
        return new BackpackException(
                CommonProblems.INVALID_ACTIVATION,
                "The derivatives of %s need its input, not its output.".formatted(activation.kind()));
    }

    private void value(Activation activation) {
        switch (activation.kind()) {
            case RELU -> ops.combine(MAXIMUM, x, constant(0), destination);
            case LEAKY_RELU -> piecewiseLinear(x, activation.parameter());
            case ELU -> elu(activation.parameter(), 1);
            case SELU -> elu(Activation.SELU_ALPHA, Activation.SELU_SCALE);
            case SIGMOID -> sigmoid(x, destination);
            case TANH -> ops.apply(UnaryOperation.TANH, x, destination);
            // LOG_SIGMOID; the others have classes of their own
            default -> {
                // min(x, 0) - log(1 + exp(-|x|))
                Tensor tail = expOfMinusAbs(x);
                ops.apply(UnaryOperation.LOG1P, tail, tail);
                ops.combine(MINIMUM, x, constant(0), destination);
                ops.addScaled(-1, tail, destination);
            }
        }
    }

    private void derivative(Activation activation) {
        switch (activation.kind()) {
            case RELU -> ops.apply(UnaryOperation.POSITIVE, x, destination);
            case LEAKY_RELU -> slope(activation.parameter());
            case ELU -> eluDerivative(activation.parameter(), 1, 1);
            case SELU -> eluDerivative(Activation.SELU_ALPHA, Activation.SELU_SCALE, 1);
            case SIGMOID -> sigmoidDerivative(x, destination);
            case TANH -> {
                // 1 - tanh² loses all digits for large |x|; 4 σ(2x) σ(-2x) keeps them
                Tensor twice = temporary();
                ops.affine(x, 2, 0, twice);
                Tensor other = temporary();
                ops.affine(x, -2, 0, other);
                sigmoid(twice, twice);
                sigmoid(other, other);
                ops.combine(MULTIPLY, twice, other, destination);
                ops.affine(destination, 4, 0, destination);
            }
            // LOG_SIGMOID; the others have classes of their own
            default -> sigmoidOfMinus(destination);
        }
    }

    private void secondDerivative(Activation activation) {
        switch (activation.kind()) {
            case RELU, LEAKY_RELU -> ops.fill(destination, 0);
            case ELU -> eluDerivative(activation.parameter(), 1, 0);
            case SELU -> eluDerivative(Activation.SELU_ALPHA, Activation.SELU_SCALE, 0);
            case SIGMOID -> {
                // σ(1-σ)(1-2σ) = -σ' tanh(x/2)
                Tensor half = temporary();
                ops.affine(x, 0.5, 0, half);
                ops.apply(UnaryOperation.TANH, half, half);
                sigmoidDerivative(x, destination);
                ops.combine(MULTIPLY, destination, half, destination);
                ops.affine(destination, -1, 0, destination);
            }
            case TANH -> {
                Tensor tanh = temporary();
                ops.apply(UnaryOperation.TANH, x, tanh);
                derivative(activation);
                ops.combine(MULTIPLY, destination, tanh, destination);
                ops.affine(destination, -2, 0, destination);
            }
            // LOG_SIGMOID; the others have classes of their own
            default -> {
                sigmoidDerivative(x, destination);
                ops.affine(destination, -1, 0, destination);
            }
        }
    }

    /** destination = values for x &gt; 0, slope · values elsewhere. */
    private void piecewiseLinear(Tensor values, double slope) {
        Tensor factor = temporary();
        ops.apply(UnaryOperation.POSITIVE, x, factor);
        ops.affine(factor, 1 - slope, slope, factor);
        ops.combine(MULTIPLY, values, factor, destination);
    }

    private void slope(double slope) {
        ops.apply(UnaryOperation.POSITIVE, x, destination);
        ops.affine(destination, 1 - slope, slope, destination);
    }

    /** scale · (max(x, 0) + alpha · (exp(min(x, 0)) - 1)). */
    private void elu(double alpha, double scale) {
        Tensor negative = temporary();
        ops.combine(MINIMUM, x, constant(0), negative);
        ops.apply(UnaryOperation.EXPM1, negative, negative);
        ops.combine(MAXIMUM, x, constant(0), destination);
        ops.affine(destination, scale, 0, destination);
        ops.addScaled(alpha * scale, negative, destination);
    }

    /** scale · right where x &gt; 0, scale · alpha · exp(x) elsewhere. */
    private void eluDerivative(double alpha, double scale, double right) {
        Tensor positive = temporary();
        ops.apply(UnaryOperation.POSITIVE, x, positive);
        Tensor negative = temporary();
        ops.combine(MINIMUM, x, constant(0), negative);
        ops.apply(UnaryOperation.EXP, negative, negative);
        Tensor elsewhere = temporary();
        ops.affine(positive, -alpha * scale, alpha * scale, elsewhere);
        ops.combine(MULTIPLY, negative, elsewhere, destination);
        ops.addScaled(scale * right, positive, destination);
    }

    /** scale where y &gt; 0, y + scale · alpha elsewhere; x holds y here. */
    private void eluDerivativeFromOutput(double alpha, double scale) {
        Tensor positive = temporary();
        ops.apply(UnaryOperation.POSITIVE, x, positive);
        Tensor elsewhere = temporary();
        ops.combine(MINIMUM, x, constant(0), elsewhere);
        ops.affine(elsewhere, 1, scale * alpha, destination);
        ops.affine(positive, scale - scale * alpha, 0, positive);
        ops.addScaled(1, positive, destination);
    }

    /** 0 where y &gt; 0, y + limit elsewhere, limit being minus the function's at −∞; x holds y here. */
    private void eluSecondDerivativeFromOutput(double limit) {
        Tensor elsewhere = temporary();
        ops.apply(UnaryOperation.POSITIVE, x, elsewhere);
        ops.affine(elsewhere, -1, 1, elsewhere);
        ops.combine(MINIMUM, x, constant(0), destination);
        ops.affine(destination, 1, limit, destination);
        ops.combine(MULTIPLY, destination, elsewhere, destination);
    }
}
