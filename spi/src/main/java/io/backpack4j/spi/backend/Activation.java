// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend;

/**
 * An activation function, with PyTorch's definition.
 *
 * @param kind the function
 * @param parameter the negative slope of {@code LEAKY_RELU}, alpha of {@code ELU}, beta of {@code SOFTPLUS}, which is
 *     not 0, the lower bound of {@code HARDTANH}; unused by others
 * @param second the threshold of {@code SOFTPLUS}, the upper bound of {@code HARDTANH}; unused by others
 */
public record Activation(Kind kind, double parameter, double second) {

    /** The functions that backends know. */
    public enum Kind {
        RELU,
        LEAKY_RELU,
        ELU,
        SELU,
        SIGMOID,
        TANH,
        LOG_SIGMOID,
        /** x Φ(x), with the distribution function Φ of the standard normal distribution. */
        GELU,
        /** x σ(w), w = √(8/π) (x + 0.044715 x³). */
        GELU_TANH,
        /** x σ(x). */
        SILU,
        /** x tanh(log(1 + exp(x))). */
        MISH,
        /** x where beta · x is above the threshold, log(1 + exp(beta · x)) / beta elsewhere. */
        SOFTPLUS,
        /** x / (1 + |x|). */
        SOFTSIGN,
        /** x between its bounds. */
        HARDTANH,
        /** x + 3 between 0 and 6, a sixth of it. */
        HARDSIGMOID,
        /** x times {@code HARDSIGMOID}. */
        HARDSWISH
    }

    /** SELU's alpha (Klambauer et al. 2017). */
    public static final double SELU_ALPHA = 1.6732632423543772848170429916717;

    /** SELU's scale (Klambauer et al. 2017). */
    public static final double SELU_SCALE = 1.0507009873554804934193349852946;

    /** √(8/π), of {@code GELU_TANH}. */
    public static final double GELU_TANH_SCALE = 1.5957691216057307117597842397375;

    /** The factor of x³ in {@code GELU_TANH} (Hendrycks and Gimpel 2016). */
    public static final double GELU_TANH_CUBIC = 0.044715;

    /**
     * Where |x| is larger, the normal density and all tails of {@code GELU} and {@code GELU_TANH} are 0 in double
     * precision.
     */
    public static final double GELU_RANGE = 40;

    /** An activation with one parameter. */
    public Activation(Kind kind, double parameter) {
        this(kind, parameter, 0);
    }

    /** An activation without a parameter. */
    public static Activation of(Kind kind) {
        return new Activation(kind, 0);
    }

    /** Whether the second derivative is zero wherever it exists. */
    public boolean isPiecewiseLinear() {
        return switch (kind) {
            case RELU, LEAKY_RELU, HARDTANH, HARDSIGMOID -> true;
            default -> false;
        };
    }

    /**
     * Whether f'(x) is a function of f(x), so that x need not be kept. Not of {@code HARDTANH}: its bounds are rounded
     * in the output.
     */
    public boolean derivativeFromOutput() {
        return switch (kind) {
            case RELU, SELU, SIGMOID, TANH -> true;
            case LEAKY_RELU, ELU -> parameter >= 0;
            default -> false;
        };
    }
}
