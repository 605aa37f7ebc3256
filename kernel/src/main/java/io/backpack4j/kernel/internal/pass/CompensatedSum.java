// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.pass;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/**
 * A sum with its rounding errors kept beside it, element by element (Sum2 of Ogita, Rump, Oishi 2005, "Accurate Sum and
 * Dot Product", with Knuth's TwoSum): as exact as if it were added in twice the digits. Made of element-wise operations
 * that any backend rounds one by one. What overflows becomes NaN. Belongs to one thread.
 */
public final class CompensatedSum {

    /** Elements taken at a time: temporary memory stays small and in caches. */
    private static final long PIECE = 1 << 17;

    private final Backend backend;
    private final Tensor sum;
    private final Tensor compensation;

    /**
     * Starts with a first summand.
     *
     * @param scope for the rounding errors
     * @param first the summand, which becomes the sum
     */
    public CompensatedSum(Backend backend, TensorScope scope, Tensor first) {
        this(backend, first, scope.allocate(first.shape(), first.dtype()));
        backend.elementwise().fill(compensation, 0);
    }

    /** Goes on with a sum and its rounding errors. */
    public CompensatedSum(Backend backend, Tensor sum, Tensor compensation) {
        this.backend = backend;
        this.sum = sum;
        this.compensation = compensation;
    }

    /** The sum without its rounding errors. */
    public Tensor sum() {
        return sum;
    }

    /** The rounding errors: the exact sum less {@link #sum}, nearly. */
    public Tensor compensation() {
        return compensation;
    }

    /** Adds a summand, which stays as it is. */
    public void add(Tensor summand) {
        addScaled(1, summand);
    }

    /** Adds {@code factor} times a summand, rounded once. */
    public void addScaled(double factor, Tensor summand) {
        long elements = sum.shape().elements();
        try (TensorScope scope = backend.openScope()) {
            Shape flat = Shape.of(elements);
            Tensor total = scope.view(sum, flat);
            Tensor errors = scope.view(compensation, flat);
            Tensor added = scope.view(summand, flat);
            for (long from = 0; from < elements; from += PIECE) {
                long to = Math.min(elements, from + PIECE);
                try (TensorScope piece = backend.openScope()) {
                    addPiece(
                            piece,
                            piece.rows(total, from, to),
                            piece.rows(errors, from, to),
                            factor,
                            piece.rows(added, from, to));
                }
            }
        }
    }

    /** t = s + p, z = t − s, error = (s − (t − z)) + (p − z). */
    private void addPiece(TensorScope scope, Tensor s, Tensor errors, double factor, Tensor summand) {
        var ops = backend.elementwise();
        Tensor p = scope.allocate(s.shape(), s.dtype());
        Tensor t = scope.allocate(s.shape(), s.dtype());
        Tensor z = scope.allocate(s.shape(), s.dtype());
        ops.affine(summand, factor, 0, p);
        ops.combine(BinaryOperation.ADD, s, p, t);
        ops.combine(BinaryOperation.SUBTRACT, t, s, z);
        ops.combine(BinaryOperation.SUBTRACT, p, z, p);
        ops.combine(BinaryOperation.SUBTRACT, t, z, z);
        ops.combine(BinaryOperation.SUBTRACT, s, z, z);
        ops.combine(BinaryOperation.ADD, z, p, z);
        ops.combine(BinaryOperation.ADD, errors, z, errors);
        ops.copy(t, s);
    }

    /** Writes the sum, rounded once, to a tensor, which may be {@link #sum} itself. */
    public void roundTo(Tensor destination) {
        backend.elementwise().combine(BinaryOperation.ADD, sum, compensation, destination);
    }

    /** Rounds the sum and gives the memory of the rounding errors back. */
    void complete() {
        roundTo(sum);
        compensation.close();
    }
}
