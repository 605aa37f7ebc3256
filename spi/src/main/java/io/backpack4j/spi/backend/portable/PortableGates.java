// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend.portable;

import static io.backpack4j.spi.backend.BinaryOperation.DIVIDE;
import static io.backpack4j.spi.backend.BinaryOperation.MINIMUM;
import static io.backpack4j.spi.backend.BinaryOperation.MULTIPLY;

import io.backpack4j.spi.backend.Activation;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.backend.NormalTail;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/**
 * f(x) = x g(x), with a gate g that goes from 0 to 1: f' = g + x g', f'' = 2 g' + x g''. Gates keep their digits where
 * they are small.
 */
final class PortableGates extends PortableFormulas {

    PortableGates(Elementwise ops, TensorScope scope, Tensor x, Tensor destination) {
        super(ops, scope, x, destination);
    }

    void write(Activation.Kind kind, int order) {
        Tensor factor = gate(kind, order);
        Tensor below = order == 0 ? null : gate(kind, order - 1);
        ops.combine(MULTIPLY, x, factor, destination);
        if (below != null) {
            ops.addScaled(order, below, destination);
        }
    }

    /** A derivative of the gate. */
    private Tensor gate(Activation.Kind kind, int order) {
        return switch (kind) {
            case GELU -> normal(order);
            case GELU_TANH -> cubic(order);
            case SILU -> logistic(x, order);
            default -> mish(order);
        };
    }

    /** Φ, φ, −x φ. */
    private Tensor normal(int order) {
        Tensor size = applied(UnaryOperation.ABS, x);
        ops.combine(MINIMUM, size, constant(Activation.GELU_RANGE), size);
        Tensor density = applied(UnaryOperation.SQUARE, size);
        ops.affine(density, -0.5, 0, density);
        ops.apply(UnaryOperation.EXP, density, density);
        if (order > 0) {
            ops.affine(density, 1 / Math.sqrt(2 * Math.PI), 0, density);
            return order == 1 ? density : product(affine(x, -1, 0), density);
        }
        Tensor u = affine(size, 1, -NormalTail.CENTRE);
        ops.combine(DIVIDE, u, affine(size, 1, NormalTail.CENTRE), u);
        Tensor tail = polynomial(u, NormalTail.COEFFICIENTS);
        ops.combine(DIVIDE, tail, affine(size, NormalTail.SLOPE, 1), tail);
        ops.combine(MULTIPLY, tail, density, tail);
        return choose(applied(UnaryOperation.POSITIVE, x), affine(tail, -1, 1), tail);
    }

    /** σ(w) with w = s (x + c x³): σ, σ' w', σ' (w'' − tanh(w/2) w'²). */
    private Tensor cubic(int order) {
        Tensor near = between(x, -Activation.GELU_RANGE, Activation.GELU_RANGE);
        Tensor square = applied(UnaryOperation.SQUARE, near);
        double scale = Activation.GELU_TANH_SCALE;
        double cubic = Activation.GELU_TANH_CUBIC;
        Tensor argument = product(near, affine(square, scale * cubic, scale));
        Tensor gate = logistic(argument, Math.min(order, 1));
        if (order == 0) {
            return gate;
        }
        Tensor slope = affine(square, 3 * scale * cubic, scale);
        if (order == 1) {
            return product(gate, slope);
        }
        ops.affine(argument, 0.5, 0, argument);
        ops.apply(UnaryOperation.TANH, argument, argument);
        ops.combine(MULTIPLY, argument, applied(UnaryOperation.SQUARE, slope), argument);
        ops.affine(near, 6 * scale * cubic, 0, near);
        ops.addScaled(-1, argument, near);
        return product(gate, near);
    }

    /** σ, σ', σ'' = −σ' tanh(a/2). */
    private Tensor logistic(Tensor a, int order) {
        Tensor result = temporary();
        if (order == 0) {
            sigmoid(a, result);
            return result;
        }
        sigmoidDerivative(a, result);
        if (order == 2) {
            Tensor half = affine(a, 0.5, 0);
            ops.apply(UnaryOperation.TANH, half, half);
            ops.combine(MULTIPLY, result, half, result);
            ops.affine(result, -1, 0, result);
        }
        return result;
    }

    /**
     * t = tanh(log(1 + exp(x))), with e = exp(−|x|). With d = e² + 2e + 2 where x ≤ 0, t = (e² + 2e) / d, t' = 4 (e² +
     * e) / d² and t'' = 4 e (2 + 2e − 3e² − 2e³) / d³; with d = 1 + 2e + 2e² elsewhere, (1 + 2e) / d, 4 (e² + e³) / d²
     * and 4 e² (2e³ + 2e² − 3e − 2) / d³.
     */
    private Tensor mish(int order) {
        Tensor tail = expOfMinusAbs(x);
        Tensor positive = applied(UnaryOperation.POSITIVE, x);
        Tensor denominator = choose(positive, polynomial(tail, 1, 2, 2), polynomial(tail, 2, 2, 1));
        Tensor result = switch (order) {
            case 0 -> choose(positive, affine(tail, 2, 1), polynomial(tail, 0, 2, 1));
            case 1 -> choose(positive, polynomial(tail, 0, 0, 4, 4), polynomial(tail, 0, 4, 4));
            default -> choose(positive, polynomial(tail, 0, 0, -8, -12, 8, 8), polynomial(tail, 0, 8, 8, -12, -8));
        };
        for (int power = 0; power <= order; power++) {
            ops.combine(DIVIDE, result, denominator, result);
        }
        return result;
    }
}
