// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend.portable;

import static io.backpack4j.spi.backend.BinaryOperation.DIVIDE;
import static io.backpack4j.spi.backend.BinaryOperation.MAXIMUM;
import static io.backpack4j.spi.backend.BinaryOperation.MINIMUM;
import static io.backpack4j.spi.backend.BinaryOperation.MULTIPLY;

import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/** What formulas of activations are made of. The destination may be x, so it is written last. */
abstract class PortableFormulas {

    final Elementwise ops;
    final TensorScope scope;
    final Tensor x;
    final Tensor destination;

    PortableFormulas(Elementwise ops, TensorScope scope, Tensor x, Tensor destination) {
        this.ops = ops;
        this.scope = scope;
        this.x = x;
        this.destination = destination;
    }

    /** exp(min(x, 0)) / (1 + exp(-|x|)). */
    final void sigmoid(Tensor argument, Tensor target) {
        Tensor denominator = temporary();
        ops.apply(UnaryOperation.ABS, argument, denominator);
        ops.affine(denominator, -1, 0, denominator);
        ops.apply(UnaryOperation.EXP, denominator, denominator);
        ops.affine(denominator, 1, 1, denominator);
        ops.combine(MINIMUM, argument, constant(0), target);
        ops.apply(UnaryOperation.EXP, target, target);
        ops.combine(DIVIDE, target, denominator, target);
    }

    final void sigmoidOfMinus(Tensor target) {
        Tensor minus = temporary();
        ops.affine(x, -1, 0, minus);
        sigmoid(minus, target);
    }

    /** exp(-|a|) / (1 + exp(-|a|))². */
    final void sigmoidDerivative(Tensor argument, Tensor target) {
        Tensor tail = expOfMinusAbs(argument);
        Tensor denominator = temporary();
        ops.affine(tail, 1, 1, denominator);
        ops.apply(UnaryOperation.SQUARE, denominator, denominator);
        ops.combine(DIVIDE, tail, denominator, target);
    }

    final Tensor expOfMinusAbs(Tensor argument) {
        Tensor tail = temporary();
        ops.apply(UnaryOperation.ABS, argument, tail);
        ops.affine(tail, -1, 0, tail);
        ops.apply(UnaryOperation.EXP, tail, tail);
        return tail;
    }

    final Tensor constant(double value) {
        Tensor constant = scope.allocate(Shape.of(), x.dtype());
        ops.fill(constant, value);
        return constant;
    }

    final Tensor temporary() {
        return scope.allocate(x.shape(), x.dtype());
    }

    /** The product, in a new tensor. */
    final Tensor product(Tensor a, Tensor b) {
        Tensor product = temporary();
        ops.combine(MULTIPLY, a, b, product);
        return product;
    }

    /** scale · a + offset, in a new tensor. */
    final Tensor affine(Tensor a, double scale, double offset) {
        Tensor result = temporary();
        ops.affine(a, scale, offset, result);
        return result;
    }

    /** An operation's result, in a new tensor. */
    final Tensor applied(UnaryOperation operation, Tensor a) {
        Tensor result = temporary();
        ops.apply(operation, a, result);
        return result;
    }

    /** {@code a}, but at least {@code low} and at most {@code high}, in a new tensor. */
    final Tensor between(Tensor a, double low, double high) {
        Tensor result = temporary();
        ops.combine(MINIMUM, a, constant(high), result);
        ops.combine(MAXIMUM, result, constant(low), result);
        return result;
    }

    /** The coefficients' polynomial in {@code a}, of the lowest power first, in a new tensor. */
    final Tensor polynomial(Tensor a, double... coefficients) {
        Tensor sum = affine(a, coefficients[coefficients.length - 1], coefficients[coefficients.length - 2]);
        for (int i = coefficients.length - 3; i >= 0; i--) {
            ops.combine(MULTIPLY, sum, a, sum);
            ops.affine(sum, 1, coefficients[i], sum);
        }
        return sum;
    }

    /**
     * {@code chosen} where the mask is 1, {@code other} where it is 0; written over {@code chosen}, which keeps its
     * digits. Both are finite.
     */
    final Tensor choose(Tensor mask, Tensor chosen, Tensor other) {
        ops.combine(MULTIPLY, chosen, mask, chosen);
        ops.addScaled(1, product(other, affine(mask, -1, 1)), chosen);
        return chosen;
    }
}
