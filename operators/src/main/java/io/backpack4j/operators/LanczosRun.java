// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.operators;

import io.backpack4j.operators.Lanczos.Eigenpairs;
import io.backpack4j.operators.Lanczos.Eigenvalue;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.RandomKey;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One search. The rows of the basis Q are orthonormal, and A Qᵀ = Qᵀ T + r eᵀ, where T is the projection of A, r what
 * the last product has outside of the basis, and e the last unit vector. T is filled with the coefficients of the
 * Gram-Schmidt steps, so that a restart is no special case. Products are divided by 2^unit, which makes the first one
 * that is not zero of the order of 1: r, T and norms are in that unit.
 */
final class LanczosRun implements AutoCloseable {

    /** A random vector that is nearer to the basis than this, relative to what is expected, is drawn anew. */
    private static final double TOO_NEAR = 0.01;

    /**
     * What remains of a product is rounding below this multiple of the element type's precision: the space is
     * invariant.
     */
    private static final double INVARIANT = 100;

    /** How many numbers are drawn to be mixed with a vector that is given. */
    private static final long PIECE = 1 << 16;

    /** The length of what is drawn, relative to that of a vector that is given. */
    private static final double DRAWN_PART = 0.1;

    private final Lanczos options;
    private final LinearOperator operator;
    private final Backend backend;
    private final DType dtype;
    private final int size;
    private final int dimension;
    private final TensorScope scope;

    private final RandomKey key;
    private int draws;
    private int products;

    /** Q, and a place for the next one. */
    private Tensor basis;

    private Tensor nextBasis;

    /** r. */
    private final Tensor rest;

    private double restNorm;

    /** T. */
    private double[][] projection;

    /** The number of rows of Q and T in use. */
    private int filled;

    /** The first row that T couples with the last one. */
    private int coupled;

    /** The largest norm of a product with a unit vector; while it is zero, the unit is not known. */
    private double operatorNorm;

    private int unit;

    LanczosRun(Lanczos options, LinearOperator operator) {
        this.options = options;
        this.operator = operator;
        this.backend = operator.backend();
        this.dtype = operator.dtype();
        this.size = Math.toIntExact(operator.rows());
        long dimension =
                options.dimension().isPresent() ? options.dimension().getAsInt() : defaultDimension(options.count());
        this.dimension = (int) Math.min(size, dimension);
        this.key = new RandomKey(options.seed(), 0, 0).stream("Lanczos");
        this.projection = new double[this.dimension][this.dimension];
        this.scope = backend.openScope();
        this.basis = scope.allocate(Shape.of(this.dimension, size), dtype);
        this.nextBasis = scope.allocate(Shape.of(this.dimension, size), dtype);
        this.rest = scope.allocate(Shape.of(1, size), dtype);
    }

    private static long defaultDimension(long count) {
        return Math.max(2 * count, count + 20);
    }

    Eigenpairs run(TensorScope target, double @Nullable [] start) {
        if (start == null || !begin(start)) {
            append(true);
        }
        while (true) {
            fill();
            Ritz ritz = Ritz.of(backend, projection, filled, options.which());
            int count = Math.min(options.count(), filled);
            boolean found = filled == size || ritz.residual(count, restNorm) <= options.tolerance() * ritz.norm();
            if (found || products >= options.maxProducts()) {
                return result(target, ritz, count);
            }
            restart(ritz, count + (dimension - count) / 2);
        }
    }

    /** Begins with a given vector and a drawn one of a tenth of its length; false if the given one has no direction. */
    private boolean begin(double[] start) {
        try (TensorScope step = backend.openScope()) {
            Tensor given = backend.upload(step, Shape.of(1, size), dtype, start);
            double norm = Vectors.norm(backend, given);
            if (!(norm > 0) || !Double.isFinite(norm)) {
                return false;
            }
            drawRepeated();
            double drawn = Vectors.norm(backend, rest);
            backend.elementwise().affine(rest, DRAWN_PART / drawn, 0, rest);
            backend.elementwise().addScaled(1 / norm, given, rest);
        }
        restNorm = Vectors.norm(backend, rest);
        append(false);
        return true;
    }

    /**
     * Draws what is mixed with a given vector: a piece again and again, each time with a drawn sign, since as many
     * normal numbers as a network has parameters take as long as a product.
     */
    private void drawRepeated() {
        long length = Math.min(size, PIECE);
        long pieces = (size + length - 1) / length;
        try (TensorScope step = backend.openScope()) {
            Tensor piece = step.allocate(Shape.of(1, length), dtype);
            Tensor signs = step.allocate(Shape.of(1, pieces), dtype);
            Tensor all = step.allocate(Shape.of(pieces, length), dtype);
            Vectors.draw(backend, Distribution.NORMAL, key.draw(draws++), 0, piece);
            Vectors.draw(backend, Distribution.RADEMACHER, key.draw(draws++), 0, signs);
            backend.products().multiply(signs, true, piece, false, 1, 0, all);
            Tensor elements = step.rows(step.view(all, Shape.of(pieces * length, 1)), 0, size);
            backend.elementwise().copy(step.view(elements, rest.shape()), rest);
        }
    }

    /** Multiplies the last vector until the basis is full. */
    private void fill() {
        while (true) {
            int last = filled - 1;
            try (TensorScope step = backend.openScope()) {
                operator.multiply(step.rows(basis, last, filled), rest);
            }
            products++;
            double norm = Vectors.norm(backend, rest);
            if (!Double.isFinite(norm)) {
                throw new BackpackException(
                        CommonProblems.NOT_FINITE,
                        "Product %d of an operator that is %s has numbers that are not finite."
                                .formatted(products, Vectors.described(operator)));
            }
            if (operatorNorm == 0) {
                unit = PowersOfTwo.exponent(norm);
            }
            PowersOfTwo.scale(backend, rest, -unit, rest);
            operatorNorm = Math.max(operatorNorm, Math.scalb(norm, -unit));
            double[] coefficients = orthogonaliseProduct();
            for (int i = 0; i < filled; i++) {
                projection[i][last] = coefficients[i];
                projection[last][i] = coefficients[i];
            }
            restNorm = Vectors.norm(backend, rest);
            if (filled == dimension || products >= options.maxProducts()) {
                return;
            }
            append(restNorm <= INVARIANT * PowersOfTwo.precision(dtype) * operatorNorm);
        }
    }

    /** Appends what remains of the last product to the basis, or a random vector. */
    private void append(boolean random) {
        if (random) {
            do {
                Vectors.draw(backend, Distribution.NORMAL, key.draw(draws++), 0, rest);
                normalise(rest, Vectors.norm(backend, rest));
                orthogonalise(rest, basis, filled);
                restNorm = Vectors.norm(backend, rest);
            } while (restNorm < TOO_NEAR / Math.sqrt(size));
        }
        normalise(rest, restNorm);
        try (TensorScope step = backend.openScope()) {
            backend.elementwise().copy(rest, step.rows(basis, filled, filled + 1));
        }
        coupled = random ? 0 : Math.max(0, filled - 1);
        filled++;
    }

    /**
     * Makes r, a product with the last vector, orthogonal to the basis; returns what was taken away. It has a part
     * along those vectors only that T couples with the last one: these go first, and then all of the basis, of which
     * rounding leaves something.
     */
    private double[] orthogonaliseProduct() {
        double[] taken = new double[filled];
        orthogonalise(rest, basis, coupled, filled, taken);
        orthogonalise(rest, basis, 0, filled, taken);
        return taken;
    }

    /** Makes a vector orthogonal to the first of some orthonormal rows, twice, which is enough for full precision. */
    private void orthogonalise(Tensor vector, Tensor rows, int count) {
        for (int pass = 0; pass < 2; pass++) {
            orthogonalise(vector, rows, 0, count, new double[count]);
        }
    }

    /** Takes a vector's parts along some of orthonormal rows away, and adds them to {@code taken}. */
    private void orthogonalise(Tensor vector, Tensor rows, int from, int to, double[] taken) {
        if (from == to) {
            return;
        }
        try (TensorScope step = backend.openScope()) {
            Tensor own = step.rows(rows, from, to);
            Tensor part = step.allocate(Shape.of(1, to - from), dtype);
            backend.products().multiply(vector, false, own, true, 1, 0, part);
            backend.products().multiply(part, false, own, false, -1, 1, vector);
            double[] found = part.toDoubleArray();
            for (int i = 0; i < found.length; i++) {
                taken[from + i] += found[i];
            }
        }
    }

    /** Goes on with the best Ritz vectors and r. */
    private void restart(Ritz ritz, int kept) {
        try (TensorScope step = backend.openScope()) {
            combine(ritz, step.rows(nextBasis, 0, kept));
        }
        Tensor old = basis;
        basis = nextBasis;
        nextBasis = old;
        projection = new double[dimension][dimension];
        for (int i = 0; i < kept; i++) {
            projection[i][i] = ritz.value(i);
        }
        filled = kept;
        append(restNorm <= INVARIANT * PowersOfTwo.precision(dtype) * operatorNorm);
        // r has a part of every Ritz vector's residual
        coupled = 0;
    }

    private Eigenpairs result(TensorScope target, Ritz ritz, int count) {
        Tensor vectors = target.allocate(Shape.of(count, size), dtype);
        combine(ritz, vectors);
        List<Eigenvalue> values = new ArrayList<>();
        try (TensorScope step = backend.openScope()) {
            Tensor residuals = step.allocate(vectors.shape(), dtype);
            operator.multiply(vectors, residuals);
            PowersOfTwo.scale(backend, residuals, -unit, residuals);
            for (int i = 0; i < count; i++) {
                Tensor row = step.rows(residuals, i, i + 1);
                backend.elementwise().addScaled(-ritz.value(i), step.rows(vectors, i, i + 1), row);
                double norm = Vectors.norm(backend, row);
                values.add(new Eigenvalue(
                        Math.scalb(ritz.value(i), unit),
                        Math.scalb(norm, unit),
                        norm <= options.tolerance() * ritz.norm()));
            }
        }
        return new Eigenpairs(values, vectors, products, Math.min(options.count(), size));
    }

    /** Ritz vectors, best first: as many as the destination has rows. */
    private void combine(Ritz ritz, Tensor destination) {
        int count = Math.toIntExact(destination.shape().size(0));
        try (TensorScope step = backend.openScope()) {
            double[] weights = new double[count * filled];
            for (int i = 0; i < count; i++) {
                System.arraycopy(ritz.vector(i), 0, weights, i * filled, filled);
            }
            Tensor rotation = backend.upload(step, Shape.of(count, filled), dtype, weights);
            backend.products().multiply(rotation, false, step.rows(basis, 0, filled), false, 1, 0, destination);
            // Combinations are orthonormal up to rounding, which would add up over many restarts.
            for (int i = 0; i < count; i++) {
                Tensor row = step.rows(destination, i, i + 1);
                orthogonalise(row, destination, i);
                normalise(row, Vectors.norm(backend, row));
            }
        }
    }

    private void normalise(Tensor vector, double norm) {
        backend.elementwise().affine(vector, 1 / norm, 0, vector);
    }

    /** Returns the memory. */
    @Override
    public void close() {
        scope.close();
    }
}
