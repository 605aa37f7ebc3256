// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.heap;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;

/** Element by element. */
final class HeapElementwise implements Elementwise {

    private final HeapBackend backend;

    HeapElementwise(HeapBackend backend) {
        this.backend = backend;
    }

    @Override
    public Backend backend() {
        return backend;
    }

    @Override
    public void fill(Tensor destination, double value) {
        HeapTensor out = backend.own(destination);
        for (int i = 0; i < out.size(); i++) {
            out.set(i, value);
        }
    }

    @Override
    public void copy(Tensor source, Tensor destination) {
        HeapTensor in = backend.own(source);
        HeapTensor out = backend.own(destination);
        HeapChecks.shape(out, in.shape());
        HeapChecks.inPlace(out, in);
        boolean integers = !in.dtype().isFloating() && !out.dtype().isFloating();
        for (int i = 0; i < in.size(); i++) {
            if (integers) {
                out.setInteger(i, in.getInteger(i));
            } else {
                out.set(i, in.get(i));
            }
        }
    }

    @Override
    public void apply(UnaryOperation operation, Tensor x, Tensor destination) {
        HeapTensor in = backend.own(x);
        HeapTensor out = destinationLike(in, destination);
        for (int i = 0; i < in.size(); i++) {
            out.set(i, applied(operation, in.get(i)));
        }
    }

    @Override
    public void combine(BinaryOperation operation, Tensor a, Tensor b, Tensor destination) {
        HeapTensor left = backend.own(a);
        HeapTensor right = backend.own(b);
        HeapTensor out = backend.own(destination);
        Shape shape = Positions.common(left.shape(), right.shape());
        HeapChecks.floating(out, left, right);
        HeapChecks.shape(out, shape);
        HeapChecks.inPlace(out, left, right);
        for (int i = 0; i < out.size(); i++) {
            int[] indices = Positions.indices(shape, i);
            double x = left.get(Positions.stretched(left.shape(), indices));
            double y = right.get(Positions.stretched(right.shape(), indices));
            out.set(i, combined(operation, x, y));
        }
    }

    @Override
    public void affine(Tensor x, double scale, double offset, Tensor destination) {
        HeapTensor in = backend.own(x);
        HeapTensor out = destinationLike(in, destination);
        for (int i = 0; i < in.size(); i++) {
            out.set(i, scale * in.get(i) + offset);
        }
    }

    @Override
    public void addScaled(double alpha, Tensor x, Tensor destination) {
        HeapTensor in = backend.own(x);
        HeapTensor out = destinationLike(in, destination);
        for (int i = 0; i < in.size(); i++) {
            out.set(i, out.get(i) + alpha * in.get(i));
        }
    }

    private HeapTensor destinationLike(HeapTensor in, Tensor destination) {
        HeapTensor out = backend.own(destination);
        HeapChecks.floating(out, in);
        HeapChecks.shape(out, in.shape());
        HeapChecks.inPlace(out, in);
        return out;
    }

    private static double applied(UnaryOperation operation, double x) {
        return switch (operation) {
            case NEGATE -> -x;
            case ABS -> Math.abs(x);
            case SIGN -> Math.signum(x);
            case EXP -> Math.exp(x);
            case LOG -> Math.log(x);
            case LOG1P -> Math.log1p(x);
            case EXPM1 -> Math.expm1(x);
            case SQRT -> Math.sqrt(x);
            case SQUARE -> x * x;
            case RECIPROCAL -> 1 / x;
            case TANH -> Math.tanh(x);
            case POSITIVE -> x > 0 ? 1 : 0;
        };
    }

    private static double combined(BinaryOperation operation, double x, double y) {
        return switch (operation) {
            case ADD -> x + y;
            case SUBTRACT -> x - y;
            case MULTIPLY -> x * y;
            case DIVIDE -> x / y;
            case MAXIMUM -> Math.max(x, y);
            case MINIMUM -> Math.min(x, y);
        };
    }
}
