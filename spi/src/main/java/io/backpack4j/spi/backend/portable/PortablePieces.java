// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend.portable;

import static io.backpack4j.spi.backend.BinaryOperation.DIVIDE;
import static io.backpack4j.spi.backend.BinaryOperation.MAXIMUM;
import static io.backpack4j.spi.backend.BinaryOperation.MULTIPLY;

import io.backpack4j.spi.backend.Activation;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/** Functions that are put together of pieces. */
final class PortablePieces extends PortableFormulas {

    PortablePieces(Elementwise ops, TensorScope scope, Tensor x, Tensor destination) {
        super(ops, scope, x, destination);
    }

    void write(Activation activation, int order) {
        Tensor result = switch (activation.kind()) {
            case SOFTPLUS -> softplus(activation.parameter(), activation.second(), order);
            case SOFTSIGN -> softsign(order);
            case HARDTANH -> hardtanh(activation.parameter(), activation.second(), order);
            case HARDSIGMOID -> hardsigmoid(order);
            default -> hardswish(order);
        };
        ops.copy(result, destination);
    }

    private Tensor softplus(double beta, double threshold, int order) {
        Tensor argument = affine(x, beta, 0);
        Tensor above = applied(UnaryOperation.POSITIVE, affine(argument, 1, -threshold));
        Tensor below = temporary();
        switch (order) {
            case 0 -> {
                Tensor tail = expOfMinusAbs(argument);
                ops.apply(UnaryOperation.LOG1P, tail, tail);
                ops.combine(MAXIMUM, argument, constant(0), below);
                ops.addScaled(1, tail, below);
                ops.affine(below, 1 / beta, 0, below);
                return choose(above, affine(x, 1, 0), below);
            }
            case 1 -> {
                sigmoid(argument, below);
                return choose(above, affine(above, 1, 0), below);
            }
            default -> {
                sigmoidDerivative(argument, below);
                ops.affine(below, beta, 0, below);
                return product(below, affine(above, -1, 1));
            }
        }
    }

    /** x r, r², −2 sign(x) r³ with r = 1 / (1 + |x|). */
    private Tensor softsign(int order) {
        Tensor inverse = affine(applied(UnaryOperation.ABS, x), 1, 1);
        if (order == 0) {
            Tensor result = temporary();
            ops.combine(DIVIDE, x, inverse, result);
            return result;
        }
        ops.apply(UnaryOperation.RECIPROCAL, inverse, inverse);
        Tensor square = applied(UnaryOperation.SQUARE, inverse);
        if (order == 1) {
            return square;
        }
        ops.combine(MULTIPLY, square, inverse, square);
        ops.affine(square, -2, 0, square);
        return product(square, applied(UnaryOperation.SIGN, x));
    }

    private Tensor hardtanh(double low, double high, int order) {
        return switch (order) {
            case 0 -> between(x, low, high);
            case 1 -> inside(low, high);
            default -> zeros();
        };
    }

    private Tensor hardsigmoid(int order) {
        return switch (order) {
            case 0 -> affine(between(affine(x, 1, 3), 0, 6), 1 / 6.0, 0);
            case 1 -> affine(inside(-3, 3), 1 / 6.0, 0);
            default -> zeros();
        };
    }

    private Tensor hardswish(int order) {
        switch (order) {
            case 0 -> {
                return product(x, hardsigmoid(0));
            }
            case 1 -> {
                Tensor slope = product(affine(between(x, -3, 3), 1 / 3.0, 0.5), inside(-3, 3));
                // 1 from 3 on
                ops.addScaled(1, affine(applied(UnaryOperation.POSITIVE, affine(x, -1, 3)), -1, 1), slope);
                return slope;
            }
            default -> {
                return affine(inside(-3, 3), 1 / 3.0, 0);
            }
        }
    }

    /** 1 where x is between the bounds and is neither, else 0. */
    private Tensor inside(double low, double high) {
        Tensor above = applied(UnaryOperation.POSITIVE, affine(x, 1, -low));
        return product(above, applied(UnaryOperation.POSITIVE, affine(x, -1, high)));
    }

    private Tensor zeros() {
        Tensor zeros = temporary();
        ops.fill(zeros, 0);
        return zeros;
    }
}
