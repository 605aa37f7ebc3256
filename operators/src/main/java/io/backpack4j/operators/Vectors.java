// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.operators;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.RandomKey;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/** What all algorithms do with vectors {@code [V, P]}. */
final class Vectors {

    /** Sums of squares below may have lost some of their terms. */
    private static final double LEAST_SQUARE = 0x1p-900;

    /** The same of single precision. */
    private static final double LEAST_SINGLE_SQUARE = 0x1p-100;

    private Vectors() {}

    /** Checks the operands of {@link LinearOperator#multiply}. */
    static void check(LinearOperator operator, Tensor x, Tensor destination) {
        check(operator, "x", x, operator.columns());
        check(operator, "destination", destination, operator.rows());
        if (x.shape().size(0) != destination.shape().size(0)) {
            throw new BackpackException(
                    CommonProblems.SHAPE_MISMATCH,
                    "A product has as many rows as there are vectors, but x is %s and the destination %s."
                            .formatted(x.shape(), destination.shape()));
        }
    }

    /** Checks that a tensor is {@code [V, length]}, of the operator's type. */
    static void check(LinearOperator operator, String name, Tensor tensor, long length) {
        Shape shape = tensor.shape();
        if (shape.rank() != 2 || shape.size(1) != length || tensor.dtype() != operator.dtype()) {
            throw new BackpackException(
                    CommonProblems.SHAPE_MISMATCH,
                    "Vectors of an operator that is %s: %s must be %s of shape [V, %d], but is %s of shape %s."
                            .formatted(described(operator), name, operator.dtype(), length, tensor.dtype(), shape));
        }
    }

    static void requireSquare(LinearOperator operator, String user) {
        if (operator.rows() != operator.columns()) {
            throw new BackpackException(
                    OperatorProblems.NOT_SQUARE,
                    "%s needs a square operator, but this one is %s.".formatted(user, described(operator)));
        }
    }

    /** {@code [rows, columns] FLOAT32}. */
    static String described(LinearOperator operator) {
        return Shape.of(operator.rows(), operator.columns()) + " " + operator.dtype();
    }

    /** a[v] · b[v] for every row, multiplied and summed in double precision. */
    static double[] dots(Backend backend, Tensor a, Tensor b) {
        try (TensorScope scope = backend.openScope()) {
            Tensor left = asDouble(backend, scope, a);
            Tensor right = a == b ? left : asDouble(backend, scope, b);
            Tensor dots = scope.allocate(Shape.of(a.shape().size(0)), DType.FLOAT64);
            backend.contractions().rowDots(left, right, dots);
            return dots.toDoubleArray();
        }
    }

    /** The lengths of all rows, also of those whose squares overflow or vanish. */
    static double[] norms(Backend backend, Tensor a) {
        double[] norms = dots(backend, a, a);
        for (int v = 0; v < norms.length; v++) {
            boolean lost = norms[v] < LEAST_SQUARE || Double.isInfinite(norms[v]);
            norms[v] = lost ? scaledNorm(backend, a, v) : Math.sqrt(norms[v]);
        }
        return norms;
    }

    /** The length of a vector {@code [1, P]}, rounded to its type. */
    static double norm(Backend backend, Tensor a) {
        if (a.dtype() == DType.FLOAT64) {
            return norms(backend, a)[0];
        }
        try (TensorScope scope = backend.openScope()) {
            Tensor square = scope.allocate(Shape.of(1), a.dtype());
            backend.contractions().rowDots(a, a, square);
            double found = square.item();
            boolean lost = found < LEAST_SINGLE_SQUARE || Double.isInfinite(found);
            return lost ? scaledNorm(backend, a, 0) : Math.sqrt(found);
        }
    }

    private static double scaledNorm(Backend backend, Tensor a, int v) {
        try (TensorScope scope = backend.openScope()) {
            Tensor row = asDouble(backend, scope, scope.rows(a, v, v + 1));
            double largest = largest(backend, row);
            if (largest == 0 || !Double.isFinite(largest)) {
                return largest;
            }
            int exponent = PowersOfTwo.exponent(largest);
            Tensor scaled = scope.allocate(row.shape(), DType.FLOAT64);
            PowersOfTwo.scale(backend, row, -exponent, scaled);
            return Math.scalb(Math.sqrt(dots(backend, scaled, scaled)[0]), exponent);
        }
    }

    /** The largest absolute value of a tensor {@code [V, P]}; 0 of nothing. */
    static double largest(Backend backend, Tensor a) {
        if (a.shape().elements() == 0) {
            return 0;
        }
        try (TensorScope scope = backend.openScope()) {
            Tensor extreme = scope.allocate(Shape.of(), a.dtype());
            backend.reductions().reduce(Reduction.MAXIMUM, a, 0, 2, extreme);
            double most = extreme.item();
            backend.reductions().reduce(Reduction.MINIMUM, a, 0, 2, extreme);
            return Math.max(most, -extreme.item());
        }
    }

    /** The tensor itself if it has doubles, else a copy that has. */
    static Tensor asDouble(Backend backend, TensorScope scope, Tensor tensor) {
        if (tensor.dtype() == DType.FLOAT64) {
            return tensor;
        }
        Tensor converted = scope.allocate(tensor.shape(), DType.FLOAT64);
        backend.elementwise().copy(tensor, converted);
        return converted;
    }

    /**
     * Random vectors, those with numbers {@code first}, {@code first + 1}, …: the same ones, however many are drawn at
     * a time.
     *
     * @param destination {@code [V, P]}
     */
    static void draw(Backend backend, Distribution distribution, RandomKey key, long first, Tensor destination) {
        long[] ids = new long[Math.toIntExact(destination.shape().size(0))];
        for (int v = 0; v < ids.length; v++) {
            ids[v] = first + v;
        }
        switch (distribution) {
            case NORMAL -> backend.random().normal(key, ids, destination);
            case RADEMACHER -> {
                backend.random().uniform(key, ids, destination);
                var elementwise = backend.elementwise();
                elementwise.affine(destination, 1, -0.5, destination);
                elementwise.apply(UnaryOperation.POSITIVE, destination, destination);
                elementwise.affine(destination, 2, -1, destination);
            }
        }
    }
}
