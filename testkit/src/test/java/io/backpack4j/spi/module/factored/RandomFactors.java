// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module.factored;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.PerSampleProduct;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.Randomness;
import java.util.Random;

/** Random factors, and the gradients that they make by definition. */
final class RandomFactors {

    /**
     * How many of what, and whether factors are kept with positions before or behind their own axis.
     *
     * @param columns V
     * @param samples N
     * @param groups G
     * @param rows M
     * @param width K
     * @param positions S
     * @param leftByPosition whether left is {@code [V·N, G, S, M]}, not {@code [V·N, G, M, S]}
     * @param rightByPosition whether right is {@code [N, G, S, K]}, not {@code [N, G, K, S]}
     */
    record Sizes(
            int columns,
            int samples,
            int groups,
            int rows,
            int width,
            int positions,
            boolean leftByPosition,
            boolean rightByPosition) {

        FactorSizes factors() {
            return new FactorSizes(groups, rows, width, positions, leftByPosition && rightByPosition);
        }
    }

    private final Backend backend;
    private final Sizes sizes;
    private final double[] left;
    private final double[] right;
    private final Tensor leftTensor;
    private final Tensor rightTensor;

    RandomFactors(Backend backend, TensorScope scope, Sizes sizes, Random random) {
        this(
                backend,
                scope,
                sizes,
                Randomness.normal(random, leftShape(sizes).elements()),
                Randomness.normal(random, rightShape(sizes).elements()));
    }

    private RandomFactors(Backend backend, TensorScope scope, Sizes sizes, double[] left, double[] right) {
        this.backend = backend;
        this.sizes = sizes;
        this.left = left;
        this.right = right;
        this.leftTensor = backend.upload(scope, leftShape(sizes), DType.FLOAT64, left);
        this.rightTensor = backend.upload(scope, rightShape(sizes), DType.FLOAT64, right);
    }

    private static Shape leftShape(Sizes sizes) {
        return sizes.leftByPosition
                ? Shape.of(sizes.columns, sizes.samples, sizes.groups, sizes.positions, sizes.rows)
                : Shape.of(sizes.columns, sizes.samples, sizes.groups, sizes.rows, sizes.positions);
    }

    private static Shape rightShape(Sizes sizes) {
        return sizes.rightByPosition
                ? Shape.of(sizes.samples, sizes.groups, sizes.positions, sizes.width)
                : Shape.of(sizes.samples, sizes.groups, sizes.width, sizes.positions);
    }

    /** Factors of the same sizes: left times a scale, and right with some noise in proportion. */
    RandomFactors changed(TensorScope scope, double scale, double noise) {
        double[] changedLeft = left.clone();
        double[] changedRight = right.clone();
        for (int i = 0; i < left.length; i++) {
            changedLeft[i] *= scale;
        }
        for (int i = 0; i < right.length; i++) {
            changedRight[i] *= 1 + noise * Math.sin(i);
        }
        return new RandomFactors(backend, scope, sizes, changedLeft, changedRight);
    }

    FactoredParameter derivatives() {
        return new FactoredParameter(
                backend, parameter(), DType.FLOAT64, sizes.columns, sizes.samples, sizes.factors(), this::factors);
    }

    /** The parameter's shape: groups and rows are one axis, as a convolution's output channels are. */
    Shape parameter() {
        return Shape.of((long) sizes.groups * sizes.rows, sizes.width);
    }

    double left(int v, int n, int g, int s, int m) {
        return left[place((v * sizes.samples + n) * sizes.groups + g, s, m, sizes.rows, sizes.leftByPosition)];
    }

    double right(int n, int g, int s, int k) {
        return right[place(n * sizes.groups + g, s, k, sizes.width, sizes.rightByPosition)];
    }

    /** g_vn = Σ_s left_vns ⊗ right_ns, {@code [V, N, G, M, K]}. */
    double[] gradients() {
        double[] gradients =
                new double[sizes.columns * sizes.samples * (int) parameter().elements()];
        int next = 0;
        for (int v = 0; v < sizes.columns; v++) {
            for (int n = 0; n < sizes.samples; n++) {
                for (int g = 0; g < sizes.groups; g++) {
                    for (int m = 0; m < sizes.rows; m++) {
                        for (int k = 0; k < sizes.width; k++) {
                            gradients[next++] = gradient(v, n, g, m, k);
                        }
                    }
                }
            }
        }
        return gradients;
    }

    private double gradient(int v, int n, int g, int m, int k) {
        double sum = 0;
        for (int s = 0; s < sizes.positions; s++) {
            sum += left(v, n, g, s, m) * right(n, g, s, k);
        }
        return sum;
    }

    private int place(int matrix, int position, int element, int length, boolean byPosition) {
        int start = matrix * sizes.positions * length;
        return start + (byPosition ? position * length + element : element * sizes.positions + position);
    }

    private PerSampleProduct factors(TensorScope scope, Block block) {
        Region region = Region.all(leftTensor.shape())
                .with(0, block.fromColumn(), block.columns())
                .with(1, block.fromSample(), block.samples());
        Tensor part = scope.allocate(region.shape(), DType.FLOAT64);
        backend.indexing().extract(leftTensor, region, part);
        Tensor rows = scope.view(part, part.shape().dropFirst(2).prepend(block.columns() * block.samples()));
        return new PerSampleProduct(
                rows,
                sizes.leftByPosition,
                scope.rows(rightTensor, block.fromSample(), block.toSample()),
                !sizes.rightByPosition);
    }
}
