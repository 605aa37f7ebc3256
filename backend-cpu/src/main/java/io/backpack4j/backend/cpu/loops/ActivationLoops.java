// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.Activation;

/** Activation functions and their derivatives over an array in place, in forms that neither overflow nor cancel. */
final class ActivationLoops {

    private ActivationLoops() {}

    static void apply(Activation activation, int order, double[] x, int count) {
        if (order < 0 || order > 2) {
            throw new BackpackException(
                    CommonProblems.INVALID_ORDER, "Derivatives of order 0, 1 and 2 exist, not of order " + order + ".");
        }
        switch (activation.kind()) {
            case GELU, GELU_TANH, SILU, MISH -> GateLoops.apply(activation.kind(), order, x, count);
            case SOFTPLUS, SOFTSIGN, HARDTANH, HARDSIGMOID, HARDSWISH -> PieceLoops.apply(activation, order, x, count);
            default -> {
                switch (order) {
                    case 0 -> value(activation, x, count);
                    case 1 -> derivative(activation, x, count);
                    default -> secondDerivative(activation, x, count);
                }
            }
        }
    }

    /** f'(x), given what a forward pass saves: f(x) if {@link Activation#derivativeFromOutput()}, else x. */
    static void derivativeFromSaved(Activation activation, double[] saved, int count) {
        if (!activation.derivativeFromOutput()) {
            apply(activation, 1, saved, count);
            return;
        }
        switch (activation.kind()) {
            case ELU -> eluDerivativeFromOutput(activation.parameter(), 1, saved, count);
            case SELU -> eluDerivativeFromOutput(Activation.SELU_ALPHA, Activation.SELU_SCALE, saved, count);
            case SIGMOID -> {
                for (int i = 0; i < count; i++) {
                    saved[i] *= 1 - saved[i];
                }
            }
            case TANH -> {
                for (int i = 0; i < count; i++) {
                    saved[i] = (1 - saved[i]) * (1 + saved[i]);
                }
            }
            // the output is on the same side of kinks as the input
            default -> apply(activation, 1, saved, count);
        }
    }

    private static void value(Activation activation, double[] x, int count) {
        switch (activation.kind()) {
            case RELU -> {
                for (int i = 0; i < count; i++) {
                    x[i] = Math.max(x[i], 0);
                }
            }
            case LEAKY_RELU -> {
                double slope = activation.parameter();
                for (int i = 0; i < count; i++) {
                    x[i] = x[i] > 0 ? x[i] : slope * x[i];
                }
            }
            case ELU -> elu(activation.parameter(), 1, x, count);
            case SELU -> elu(Activation.SELU_ALPHA, Activation.SELU_SCALE, x, count);
            case SIGMOID -> {
                for (int i = 0; i < count; i++) {
                    x[i] = sigmoid(x[i]);
                }
            }
            case TANH -> {
                for (int i = 0; i < count; i++) {
                    x[i] = Math.tanh(x[i]);
                }
            }
            // LOG_SIGMOID
            default -> {
                for (int i = 0; i < count; i++) {
                    x[i] = Math.min(x[i], 0) - Math.log1p(Math.exp(-Math.abs(x[i])));
                }
            }
        }
    }

    private static void derivative(Activation activation, double[] x, int count) {
        switch (activation.kind()) {
            case RELU -> slope(0, x, count);
            case LEAKY_RELU -> slope(activation.parameter(), x, count);
            case ELU -> eluDerivative(activation.parameter(), 1, 1, x, count);
            case SELU -> eluDerivative(Activation.SELU_ALPHA, Activation.SELU_SCALE, 1, x, count);
            case SIGMOID -> {
                for (int i = 0; i < count; i++) {
                    x[i] = sigmoidDerivative(x[i]);
                }
            }
            case TANH -> {
                for (int i = 0; i < count; i++) {
                    x[i] = tanhDerivative(x[i]);
                }
            }
            // LOG_SIGMOID
            default -> {
                for (int i = 0; i < count; i++) {
                    x[i] = sigmoid(-x[i]);
                }
            }
        }
    }

    private static void secondDerivative(Activation activation, double[] x, int count) {
        switch (activation.kind()) {
            case RELU, LEAKY_RELU -> {
                for (int i = 0; i < count; i++) {
                    x[i] = 0;
                }
            }
            case ELU -> eluDerivative(activation.parameter(), 1, 0, x, count);
            case SELU -> eluDerivative(Activation.SELU_ALPHA, Activation.SELU_SCALE, 0, x, count);
            case SIGMOID -> {
                // σ' (1 - 2σ), and 1 - 2σ = -tanh(x/2)
                for (int i = 0; i < count; i++) {
                    x[i] = -sigmoidDerivative(x[i]) * Math.tanh(0.5 * x[i]);
                }
            }
            case TANH -> {
                for (int i = 0; i < count; i++) {
                    x[i] = -2 * Math.tanh(x[i]) * tanhDerivative(x[i]);
                }
            }
            // LOG_SIGMOID
            default -> {
                for (int i = 0; i < count; i++) {
                    x[i] = -sigmoidDerivative(x[i]);
                }
            }
        }
    }

    private static void slope(double left, double[] x, int count) {
        for (int i = 0; i < count; i++) {
            x[i] = x[i] > 0 ? 1 : left;
        }
    }

    private static void elu(double alpha, double scale, double[] x, int count) {
        double left = alpha * scale;
        for (int i = 0; i < count; i++) {
            x[i] = x[i] > 0 ? scale * x[i] : left * Math.expm1(x[i]);
        }
    }

    /** scale · right where x &gt; 0, scale · alpha · exp(x) elsewhere. */
    private static void eluDerivative(double alpha, double scale, double right, double[] x, int count) {
        double left = alpha * scale;
        for (int i = 0; i < count; i++) {
            x[i] = x[i] > 0 ? scale * right : left * Math.exp(x[i]);
        }
    }

    private static void eluDerivativeFromOutput(double alpha, double scale, double[] y, int count) {
        for (int i = 0; i < count; i++) {
            y[i] = y[i] > 0 ? scale : y[i] + alpha * scale;
        }
    }

    static double sigmoid(double x) {
        double tail = Math.exp(-Math.abs(x));
        return (x < 0 ? tail : 1) / (1 + tail);
    }

    static double sigmoidDerivative(double x) {
        double tail = Math.exp(-Math.abs(x));
        return tail / ((1 + tail) * (1 + tail));
    }

    /** 1 - tanh² loses all digits for large |x|; 4 σ(2x) σ(-2x) keeps them. */
    private static double tanhDerivative(double x) {
        return 4 * sigmoidDerivative(2 * x);
    }
}
