package io.backpack4j.spi.backend;

/**
 * An activation function, with PyTorch's definition.
 *
 * @param kind the function
 * @param parameter the negative slope of {@code LEAKY_RELU}, alpha of {@code ELU}; unused by others
 */
public record Activation(Kind kind, double parameter) {

    /** The functions that backends know. */
    public enum Kind {
        RELU,
        LEAKY_RELU,
        ELU,
        SELU,
        SIGMOID,
        TANH,
        LOG_SIGMOID
    }

    /** SELU's alpha (Klambauer et al. 2017). */
    public static final double SELU_ALPHA = 1.6732632423543772848170429916717;

    /** SELU's scale (Klambauer et al. 2017). */
    public static final double SELU_SCALE = 1.0507009873554804934193349852946;

    /** An activation without a parameter. */
    public static Activation of(Kind kind) {
        return new Activation(kind, 0);
    }

    /** Whether the second derivative is zero wherever it exists. */
    public boolean isPiecewiseLinear() {
        return kind == Kind.RELU || kind == Kind.LEAKY_RELU;
    }

    /** Whether f'(x) is a function of f(x), so that x need not be kept. */
    public boolean derivativeFromOutput() {
        return switch (kind) {
            case RELU, SELU, SIGMOID, TANH -> true;
            case LEAKY_RELU, ELU -> parameter >= 0;
            case LOG_SIGMOID -> false;
        };
    }
}
