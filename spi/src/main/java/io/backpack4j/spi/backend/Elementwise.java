// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend;

import io.backpack4j.spi.backend.portable.PortableActivations;
import io.backpack4j.spi.tensor.Tensor;

/** Operations that treat every element alike. */
public interface Elementwise {

    /** The backend of this group, for the defaults. */
    Backend backend();

    /** destination = value. */
    void fill(Tensor destination, double value);

    /** destination = source, converted to the destination's type; any two types, equal shapes. */
    void copy(Tensor source, Tensor destination);

    /** destination = operation(x). */
    void apply(UnaryOperation operation, Tensor x, Tensor destination);

    /**
     * destination = operation(a, b). Shapes are aligned at their last axes; axes of size one, and missing ones,
     * stretch. The destination has the stretched shape; it may be an operand of that very shape, and must not overlap
     * with one otherwise. NaN in an operand makes the result NaN, of MAXIMUM and MINIMUM too.
     */
    void combine(BinaryOperation operation, Tensor a, Tensor b, Tensor destination);

    /**
     * destination = second(first(a, b), c), by the rules of {@link #combine(BinaryOperation, Tensor, Tensor, Tensor)}.
     * A backend that does both at once saves a walk through memory.
     *
     * @param a of the destination's shape
     * @param c neither the destination nor overlapping with it
     */
    default void combine(
            BinaryOperation first, Tensor a, Tensor b, BinaryOperation second, Tensor c, Tensor destination) {
        combine(first, a, b, destination);
        combine(second, destination, c, destination);
    }

    /** destination = scale · x + offset. */
    void affine(Tensor x, double scale, double offset, Tensor destination);

    /** destination = destination + alpha · x, of equal shapes. */
    void addScaled(double alpha, Tensor x, Tensor destination);

    /** destination = beta · destination + alpha · x, of equal shapes; they must not be one tensor. */
    default void addScaled(double alpha, Tensor x, double beta, Tensor destination) {
        affine(destination, beta, 0, destination);
        addScaled(alpha, x, destination);
    }

    /**
     * One update of gradient descent with momentum, of g' = scale · g + decay · value: buffer ← kept · buffer + taken ·
     * g', value ← value − ofGradient · g' − ofBuffer · buffer. All tensors have one shape, and none is another.
     *
     * @param gradient g
     * @param buffer replaced
     * @param value replaced
     * @param step the numbers of this step
     */
    default void momentum(Tensor gradient, Tensor buffer, Tensor value, MomentumStep step) {
        addScaled(step.taken() * step.scale(), gradient, step.kept(), buffer);
        if (step.decay() != 0) {
            addScaled(step.taken() * step.decay(), value, buffer);
        }
        if (step.ofGradient() != 0) {
            addScaled(-step.ofGradient() * step.scale(), gradient, 1 - step.ofGradient() * step.decay(), value);
        }
        addScaled(-step.ofBuffer(), buffer, value);
    }

    /**
     * One update of Adam (Kingma and Ba, algorithm 1): mean ← β₁ mean + (1 − β₁) g, square ← β₂ square + (1 − β₂) g²,
     * value ← value − rate · mean / (√square · scale + ε). All tensors have one shape, and none is another.
     *
     * @param gradient g
     * @param mean replaced
     * @param square replaced
     * @param value replaced
     * @param step β₁, β₂ and the rest, of this step
     */
    default void adam(Tensor gradient, Tensor mean, Tensor square, Tensor value, AdamStep step) {
        try (var scope = backend().openScope()) {
            Tensor work = scope.allocate(value.shape(), value.dtype());
            affine(mean, step.firstBeta(), 0, mean);
            addScaled(1 - step.firstBeta(), gradient, mean);
            apply(UnaryOperation.SQUARE, gradient, work);
            affine(square, step.secondBeta(), 0, square);
            addScaled(1 - step.secondBeta(), work, square);
            apply(UnaryOperation.SQRT, square, work);
            affine(work, step.scale(), step.epsilon(), work);
            combine(BinaryOperation.DIVIDE, mean, work, work);
            addScaled(-step.rate(), work, value);
        }
    }

    /**
     * destination = f(x) for {@code order} 0, f'(x) for 1, f''(x) for 2. At a kink the derivative is PyTorch's: the
     * left one, and at the bounds of {@code HARDTANH}, {@code HARDSIGMOID} and {@code HARDSWISH} that outside of them.
     * Finite for all finite x.
     */
    default void activation(Activation activation, int order, Tensor x, Tensor destination) {
        PortableActivations.apply(backend(), activation, order, x, destination);
    }

    /**
     * destination = cotangents ⊙ f'(x): the transposed Jacobian of an activation.
     *
     * @param saved f(x) if {@link Activation#derivativeFromOutput()}, else x; {@code [N, *]}
     * @param cotangents {@code [V, N, *]}
     * @param destination {@code [V, N, *]}
     */
    default void activationPullback(Activation activation, Tensor saved, Tensor cotangents, Tensor destination) {
        try (var scope = backend().openScope()) {
            Tensor derivative = scope.allocate(saved.shape(), saved.dtype());
            if (activation.derivativeFromOutput()) {
                PortableActivations.derivativeFromOutput(backend(), activation, saved, derivative);
            } else {
                activation(activation, 1, saved, derivative);
            }
            combine(BinaryOperation.MULTIPLY, cotangents, derivative, destination);
        }
    }

    /**
     * destination = cotangents ⊙ f''(x): what an activation adds to the Hessian at its input. Zero at kinks of
     * piecewise linear activations and of {@code HARDSWISH}; that of the left side at 0 of ELU and SELU and at the
     * threshold of {@code SOFTPLUS}.
     *
     * @param saved f(x) if {@link Activation#derivativeFromOutput()}, else x; {@code [N, *]}
     * @param cotangents {@code [N, *]}
     * @param destination {@code [N, *]}
     */
    default void activationCurvature(Activation activation, Tensor saved, Tensor cotangents, Tensor destination) {
        if (activation.derivativeFromOutput()) {
            PortableActivations.secondDerivativeFromOutput(backend(), activation, saved, destination);
        } else {
            activation(activation, 2, saved, destination);
        }
        combine(BinaryOperation.MULTIPLY, destination, cotangents, destination);
    }
}
