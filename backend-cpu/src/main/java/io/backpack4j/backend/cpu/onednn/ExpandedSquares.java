// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.PerSampleProduct;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Arrays;
import java.util.Objects;

/**
 * destination += Σ_b (l_b ⊗ r_b − mean)² as (l²)ᵀ r² − B · mean², B being the number of terms: a product of matrices.
 * Where that cancels, in the rows that have such an element, the terms are added one by one instead.
 */
final class ExpandedSquares {

    /**
     * A sum that is smaller than this part of its first term has lost too many digits: with it the relative error stays
     * below some 1e-5.
     */
    private static final double LEAST_PART = 1.0 / 64;

    /** With more cancelling rows than this part it is faster to add up everything one by one. */
    private static final int MANY = 4;

    private final NativeBackend backend;
    private final DnnlContexts contexts;

    ExpandedSquares(NativeBackend backend, DnnlContexts contexts) {
        this.backend = backend;
        this.contexts = contexts;
    }

    /** Whether the product and its consumer have this form. */
    static boolean fits(PerSampleProduct product, TileConsumer consumer) {
        return product.positions() == 1
                && product.groups() == 1
                && product.batch() == product.samples()
                && product.batch() > 1
                && consumer instanceof TileConsumer.SumOfSquares squares
                && squares.centerIsMean()
                && squares.weights() == null;
    }

    /** Adds the squares; nothing is done if they cancel in many rows. */
    boolean add(PerSampleProduct product, TileConsumer.SumOfSquares squares) {
        int rows = (int) product.rows();
        int columns = (int) product.columns();
        int batch = (int) product.batch();
        DnnlContext context = contexts.get();
        long elements = (long) rows * columns;
        DnnlPrimitive difference = primitive(context, DnnlKind.PLUS_SQUARES, elements, -batch);
        DnnlPrimitive comparison = primitive(context, DnnlKind.SQUARES_ABOVE, elements, batch / (1 - LEAST_PART));
        if (!difference.usable() || !comparison.usable()) {
            return false;
        }
        try (TensorScope scope = backend.openScope()) {
            Tensor left = scope.view(product.left(), Shape.of(batch, rows));
            Tensor right = scope.view(product.right(), Shape.of(batch, columns));
            CpuTensor sums = backend.own(product(scope, squared(scope, left), squared(scope, right)));
            CpuTensor mean = backend.own(Objects.requireNonNull(squares.center()));
            boolean[] cancels = cancelling(scope, context, comparison, mean, sums);
            int count = 0;
            for (boolean cancelling : cancels) {
                count += cancelling ? 1 : 0;
            }
            if (count * MANY > rows) {
                return false;
            }
            run(context, difference, mean, sums, sums);
            if (count > 0) {
                addUp(cancels, backend.own(left), backend.own(right), mean, batch, sums);
            }
            Tensor destination = squares.destination();
            Tensor shaped = scope.view(sums, destination.shape());
            backend.elementwise().combine(BinaryOperation.ADD, destination, shaped, destination);
            return true;
        }
    }

    /** Overwrites the rows that cancel. */
    private static void addUp(
            boolean[] cancels, CpuTensor left, CpuTensor right, CpuTensor mean, int batch, CpuTensor sums) {
        var row = new Row((int) (sums.elements / cancels.length));
        for (int o = 0; o < cancels.length; o++) {
            if (cancels[o]) {
                row.addUp(left, right, mean, o, batch, sums);
            }
        }
    }

    /** The rows with an element of which less than the least part would be left. */
    private boolean[] cancelling(
            TensorScope scope, DnnlContext context, DnnlPrimitive comparison, CpuTensor mean, CpuTensor sums) {
        Tensor marks = scope.allocate(sums.shape(), sums.dtype());
        run(context, comparison, mean, sums, backend.own(marks));
        Tensor counts = scope.allocate(Shape.of(sums.shape().size(0)), sums.dtype());
        backend.reductions().reduce(Reduction.SUM, marks, 1, 2, counts);
        CpuTensor found = backend.own(counts);
        boolean[] cancels = new boolean[(int) found.elements];
        for (int o = 0; o < cancels.length; o++) {
            cancels[o] = found.block.getFloat(found.at(o)) > 0;
        }
        return cancels;
    }

    private static DnnlPrimitive primitive(DnnlContext context, DnnlKind kind, long elements, double factor) {
        PrimitiveKey key = context.key(kind).add(elements).add(factor);
        return context.get(
                key,
                Cost.elements(elements),
                () -> kind == DnnlKind.PLUS_SQUARES
                        ? DnnlRecipes.plusSquares(elements, factor)
                        : DnnlRecipes.squaresAbove(elements, factor));
    }

    private static void run(DnnlContext context, DnnlPrimitive primitive, CpuTensor x, CpuTensor sums, CpuTensor to) {
        primitive
                .at(0, x.address())
                .at(1, x.address())
                .at(2, sums.address())
                .at(3, to.address())
                .run(context);
    }

    private Tensor squared(TensorScope scope, Tensor x) {
        Tensor squares = scope.allocate(x.shape(), x.dtype());
        backend.elementwise().apply(UnaryOperation.SQUARE, x, squares);
        return squares;
    }

    private Tensor product(TensorScope scope, Tensor left, Tensor right) {
        Shape shape = Shape.of(left.shape().size(1), right.shape().size(1));
        Tensor product = scope.allocate(shape, left.dtype());
        backend.products().multiply(left, true, right, false, 1, 0, product);
        return product;
    }

    /** Arrays for one row. */
    private static final class Row {

        private final float[] squares;
        private final float[] factors;
        private final float[] means;
        private final int length;

        Row(int length) {
            this.length = length;
            squares = new float[length];
            factors = new float[length];
            means = new float[length];
        }

        /** Overwrites a row with its sums, term by term. */
        void addUp(CpuTensor left, CpuTensor right, CpuTensor mean, int row, int batch, CpuTensor target) {
            mean.block.get(mean.at((long) row * length), means, 0, length);
            Arrays.fill(squares, 0);
            int rows = (int) (left.elements / batch);
            for (int b = 0; b < batch; b++) {
                float factor = left.block.getFloat(left.at((long) b * rows + row));
                right.block.get(right.at((long) b * length), factors, 0, length);
                for (int i = 0; i < length; i++) {
                    float difference = factor * factors[i] - means[i];
                    squares[i] += difference * difference;
                }
            }
            target.block.put(target.at((long) row * length), squares, 0, length);
        }
    }
}
