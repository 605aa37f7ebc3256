package io.backpack4j.backend.cpu;

import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.PerSampleProduct;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Arrays;
import java.util.Objects;

/**
 * destination += Σ_b (l_b ⊗ r_b − center)² as (l²)ᵀ r² − 2 · center · lᵀ r + B · center²: two products of matrices. Where that cancels, in the rows that
 * have such an element, the terms are added one by one instead.
 */
final class ExpandedSquares {

    /**
     * A sum that is smaller than this part of its first term has lost too many digits: with it the relative error stays below some 1e-5.
     */
    private static final float LEAST_PART = 1f / 64;

    /** With more cancelling rows than this part it is faster to add up everything one by one. */
    private static final int MANY = 4;

    private final CpuBackend backend;

    ExpandedSquares(CpuBackend backend) {
        this.backend = backend;
    }

    /** Whether the product and its consumer have this form. */
    static boolean fits(PerSampleProduct product, TileConsumer consumer) {
        return product.positions() == 1
                && product.groups() == 1
                && product.batch() == product.samples()
                && product.batch() > 1
                && consumer instanceof TileConsumer.SumOfSquares squares
                && squares.center() != null
                && squares.weights() == null;
    }

    /** Adds the squares; nothing is done if they cancel in many rows. */
    boolean add(PerSampleProduct product, TileConsumer.SumOfSquares squares) {
        int rows = (int) product.rows();
        int columns = (int) product.columns();
        try (TensorScope scope = backend.openScope()) {
            Tensor left = scope.view(product.left(), Shape.of(product.batch(), rows));
            Tensor right = scope.view(product.right(), Shape.of(product.batch(), columns));
            CpuTensor sums = backend.own(product(scope, left, right));
            CpuTensor squaredSums = backend.own(product(scope, squared(scope, left), squared(scope, right)));
            CpuTensor center = backend.own(Objects.requireNonNull(squares.center()));
            CpuTensor destination = backend.own(squares.destination());
            boolean[] cancels = new boolean[rows];
            int count = 0;
            var row = new Row(columns);
            for (int o = 0; o < rows; o++) {
                cancels[o] = !row.expand(squaredSums, sums, center, (long) o * columns, product.batch());
                count += cancels[o] ? 1 : 0;
            }
            if (count * MANY > rows) {
                return false;
            }
            for (int o = 0; o < rows; o++) {
                if (cancels[o]) {
                    row.addUp(backend.own(left), backend.own(right), center, o, (int) product.batch(), squaredSums);
                }
            }
            backend.elementwise()
                    .combine(BinaryOperation.ADD, destination, shaped(scope, squaredSums, destination), destination);
            return true;
        }
    }

    private static Tensor shaped(TensorScope scope, Tensor tensor, Tensor like) {
        return scope.view(tensor, like.shape());
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
        private final float[] sums;
        private final float[] centers;
        private final int length;

        Row(int length) {
            this.length = length;
            squares = new float[length];
            sums = new float[length];
            centers = new float[length];
        }

        /** Writes a row's sums over its first terms. Returns whether all of them are exact enough. */
        boolean expand(CpuTensor first, CpuTensor second, CpuTensor center, long from, long batch) {
            first.block.get(first.at(from), squares, 0, length);
            second.block.get(second.at(from), sums, 0, length);
            center.block.get(center.at(from), centers, 0, length);
            int bad = 0;
            for (int i = 0; i < length; i++) {
                float c = centers[i];
                float sum = squares[i] + c * (batch * c - 2 * sums[i]);
                bad += sum < LEAST_PART * squares[i] ? 1 : 0;
                squares[i] = sum;
            }
            first.block.put(first.at(from), squares, 0, length);
            return bad == 0;
        }

        /** Overwrites a row with its sums, term by term. */
        void addUp(CpuTensor left, CpuTensor right, CpuTensor center, int row, int batch, CpuTensor target) {
            center.block.get(center.at((long) row * length), centers, 0, length);
            Arrays.fill(squares, 0);
            int rows = (int) (left.elements / batch);
            for (int b = 0; b < batch; b++) {
                float factor = left.block.getFloat(left.at((long) b * rows + row));
                right.block.get(right.at((long) b * length), sums, 0, length);
                for (int i = 0; i < length; i++) {
                    float difference = factor * sums[i] - centers[i];
                    squares[i] += difference * difference;
                }
            }
            target.block.put(target.at((long) row * length), squares, 0, length);
        }
    }
}
