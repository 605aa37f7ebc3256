// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.recurrent;

import static io.backpack4j.spi.backend.BinaryOperation.ADD;
import static io.backpack4j.spi.backend.BinaryOperation.MULTIPLY;
import static io.backpack4j.spi.backend.BinaryOperation.SUBTRACT;

import io.backpack4j.spi.backend.Activation;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import org.jspecify.annotations.Nullable;

/**
 * Arithmetic of numbers that may move, by the rules of differentiation: formulas of a way back, written once, give its
 * tangents too. The shapes of operands are aligned at their last axes, and the one with more elements is the result's.
 *
 * @param scope where results are allocated
 */
record Terms(Backend backend, TensorScope scope) {

    private Elementwise ops() {
        return backend.elementwise();
    }

    /** a ⊙ b. */
    Moving product(Moving a, Moving b) {
        Tensor value = combined(MULTIPLY, a.value(), b.value());
        Tensor tangent = added(ofTangent(a.tangent(), b.value()), ofTangent(b.tangent(), a.value()));
        return new Moving(value, tangent);
    }

    private @Nullable Tensor ofTangent(@Nullable Tensor tangent, Tensor other) {
        return tangent == null ? null : combined(MULTIPLY, tangent, other);
    }

    /** Adds into the first, which nobody else has. */
    private @Nullable Tensor added(@Nullable Tensor a, @Nullable Tensor b) {
        if (a == null || b == null) {
            return a == null ? b : a;
        }
        ops().addScaled(1, b, a);
        return a;
    }

    /** a + b. */
    Moving sum(Moving a, Moving b) {
        return combined(ADD, a, b);
    }

    /** a − b. */
    Moving difference(Moving a, Moving b) {
        return combined(SUBTRACT, a, b);
    }

    private Moving combined(BinaryOperation operation, Moving a, Moving b) {
        Tensor tangent;
        if (a.tangent() != null && b.tangent() != null) {
            tangent = combined(operation, a.tangent(), b.tangent());
        } else if (b.tangent() == null) {
            tangent = a.tangent();
        } else {
            tangent = scope.allocate(b.tangent().shape(), b.tangent().dtype());
            ops().affine(b.tangent(), operation == SUBTRACT ? -1 : 1, 0, tangent);
        }
        return new Moving(combined(operation, a.value(), b.value()), tangent);
    }

    private Tensor combined(BinaryOperation operation, Tensor a, Tensor b) {
        boolean stretches = a.shape().elements() < b.shape().elements()
                || (a.shape().elements() == b.shape().elements()
                        && a.shape().rank() < b.shape().rank());
        Shape shape = stretches ? b.shape() : a.shape();
        Tensor result = scope.allocate(shape, a.dtype());
        ops().combine(operation, a, b, result);
        return result;
    }

    /** 1 − a. */
    Moving complement(Moving a) {
        return new Moving(affine(a.value(), -1, 1), a.tangent() == null ? null : affine(a.tangent(), -1, 0));
    }

    private Tensor affine(Tensor x, double scale, double offset) {
        Tensor result = scope.allocate(x.shape(), x.dtype());
        ops().affine(x, scale, offset, result);
        return result;
    }

    /** cotangents ⊙ f′, f′ being known from the activation's output. */
    Moving pulled(Activation activation, Moving output, Moving cotangents) {
        Tensor value = pulled(activation, output.value(), cotangents.value());
        Tensor tangent = cotangents.tangent() == null ? null : pulled(activation, output.value(), cotangents.tangent());
        if (output.tangent() == null || activation.isPiecewiseLinear()) {
            return new Moving(value, tangent);
        }
        // y = tanh x: y′ = 1 − y², which moves by −2 y ẏ. y = σ(x): y′ = y − y², which moves by (1 − 2 y) ẏ.
        double offset = activation.kind() == Activation.Kind.SIGMOID ? 1 : 0;
        Tensor bend = combined(MULTIPLY, output.tangent(), affine(output.value(), -2, offset));
        ops().combine(MULTIPLY, bend, cotangents.value(), bend);
        return new Moving(value, added(bend, tangent));
    }

    private Tensor pulled(Activation activation, Tensor output, Tensor cotangents) {
        Tensor result = scope.allocate(cotangents.shape(), cotangents.dtype());
        ops().activationPullback(activation, output, cotangents, result);
        return result;
    }

    /** The same where it belongs. */
    void pull(Activation activation, Moving output, Moving cotangents, Moving destination) {
        if (destination.tangent() == null) {
            ops().activationPullback(activation, output.value(), cotangents.value(), destination.value());
        } else {
            write(pulled(activation, output, cotangents), destination);
        }
    }

    /** Writes a result where it belongs. */
    void write(Moving source, Moving destination) {
        ops().copy(source.value(), destination.value());
        if (destination.tangent() != null) {
            if (source.tangent() == null) {
                ops().fill(destination.tangent(), 0);
            } else {
                ops().copy(source.tangent(), destination.tangent());
            }
        }
    }
}
