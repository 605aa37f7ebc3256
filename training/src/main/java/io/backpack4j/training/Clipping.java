// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalDouble;

/**
 * Keeps gradients small, with the definitions of {@code torch.nn.utils}. Stays on the backend: nothing is read back.
 *
 * @param norm the greatest norm of all gradients together
 * @param value the greatest absolute value of an element
 */
record Clipping(OptionalDouble norm, OptionalDouble value) {

    static final Clipping NONE = new Clipping(OptionalDouble.empty(), OptionalDouble.empty());

    /** What PyTorch adds to the norm. */
    private static final double EPSILON = 1e-6;

    Clipping norm(double most) {
        return new Clipping(OptionalDouble.of(positive("norm", most)), value);
    }

    Clipping value(double most) {
        return new Clipping(norm, OptionalDouble.of(positive("value", most)));
    }

    /**
     * Clipped gradients, by value first: tensors of the target, since listeners may look at the gradients once more
     * after the step; or the gradients themselves if they are not to be clipped.
     */
    Map<String, Tensor> clip(Backend backend, TensorScope target, Map<String, Tensor> gradients) {
        if (gradients.isEmpty() || (norm.isEmpty() && value.isEmpty())) {
            return gradients;
        }
        Map<String, Tensor> clipped = new LinkedHashMap<>();
        gradients.forEach((name, gradient) -> clipped.put(name, target.allocate(gradient.shape(), gradient.dtype())));
        try (TensorScope scope = backend.openScope()) {
            Map<String, Tensor> from = gradients;
            if (value.isPresent()) {
                clipByValue(backend, scope, gradients, clipped);
                from = clipped;
            }
            if (norm.isPresent()) {
                Tensor factor = factor(backend, scope, from);
                from.forEach((name, gradient) -> backend.elementwise()
                        .combine(
                                BinaryOperation.MULTIPLY, gradient, factor, Objects.requireNonNull(clipped.get(name))));
            }
        }
        return clipped;
    }

    private void clipByValue(
            Backend backend, TensorScope scope, Map<String, Tensor> gradients, Map<String, Tensor> clipped) {
        var dtype = gradients.values().iterator().next().dtype();
        Tensor most = scope.allocate(Shape.of(), dtype);
        Tensor least = scope.allocate(Shape.of(), dtype);
        backend.elementwise().fill(most, value.orElseThrow());
        backend.elementwise().fill(least, -value.orElseThrow());
        clipped.forEach((name, own) -> {
            backend.elementwise()
                    .combine(BinaryOperation.MINIMUM, Objects.requireNonNull(gradients.get(name)), most, own);
            backend.elementwise().combine(BinaryOperation.MAXIMUM, own, least, own);
        });
    }

    /** min(1, norm / (‖g‖ + 1e-6)). */
    private Tensor factor(Backend backend, TensorScope scope, Map<String, Tensor> gradients) {
        var elementwise = backend.elementwise();
        var dtype = gradients.values().iterator().next().dtype();
        Tensor sum = scope.allocate(Shape.of(), dtype);
        Tensor own = scope.allocate(Shape.of(), dtype);
        elementwise.fill(sum, 0);
        for (Tensor gradient : gradients.values()) {
            Tensor squares = scope.allocate(gradient.shape(), dtype);
            elementwise.apply(UnaryOperation.SQUARE, gradient, squares);
            backend.reductions().total(squares, own);
            elementwise.combine(BinaryOperation.ADD, sum, own, sum);
            squares.close();
        }
        elementwise.apply(UnaryOperation.SQRT, sum, sum);
        elementwise.affine(sum, 1, EPSILON, sum);
        elementwise.apply(UnaryOperation.RECIPROCAL, sum, sum);
        elementwise.affine(sum, norm.orElseThrow(), 0, sum);
        elementwise.fill(own, 1);
        elementwise.combine(BinaryOperation.MINIMUM, sum, own, sum);
        return sum;
    }

    private static double positive(String what, double most) {
        if (!(most > 0) || Double.isInfinite(most)) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "The greatest %s of gradients is %s, but must be above 0.".formatted(what, most));
        }
        return most;
    }
}
