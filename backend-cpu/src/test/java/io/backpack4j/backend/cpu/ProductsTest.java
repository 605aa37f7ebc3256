// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu;

import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Random;

class ProductsTest extends VariantTest {

    private static final long[][] SIZES = {
        {1, 1, 1},
        {3, 4, 5},
        {17, 1, 9},
        {1, 33, 8},
        {16, 8, 1},
        {64, 48, 80},
        {96, 90, 32},
        {0, 3, 4},
        {3, 0, 4},
        {3, 4, 0}
    };

    private static final long[][][] BATCHES = {
        {{}, {}, {}},
        {{4}, {4}, {4}},
        {{4}, {1}, {4}},
        {{1}, {4}, {4}},
        {{1}, {1}, {1}},
        {{2, 3}, {2, 3}, {2, 3}},
        {{2, 3}, {1, 3}, {2, 3}},
        {{3, 1, 2}, {1, 1, 2}, {3, 1, 2}},
        {{2, 1}, {2, 3}, {2, 3}},
        {{2, 1}, {1, 3}, {2, 3}},
        {{0}, {0}, {0}},
        {{0}, {1}, {0}},
    };

    @EachVariant
    void multipliesBatchesOfMatrices(Variant variant) {
        var backend = backend(variant);
        Random random = Variant.random(20);
        for (long[] mnk : SIZES) {
            for (long[][] batch : BATCHES) {
                for (int flags = 0; flags < 4; flags++) {
                    boolean transposeA = (flags & 1) != 0;
                    boolean transposeB = (flags & 2) != 0;
                    try (var scope = backend.openScope()) {
                        Shape shapeA = Shape.of(transposeA ? mnk[2] : mnk[0], transposeA ? mnk[0] : mnk[2]);
                        Shape shapeB = Shape.of(transposeB ? mnk[1] : mnk[2], transposeB ? mnk[2] : mnk[1]);
                        Numbers a = Numbers.random(random, variant, shapeA.prepend(batch[0]));
                        Numbers b = Numbers.random(random, variant, shapeB.prepend(batch[1]));
                        Shape shape = Shape.of(mnk[0], mnk[1]).prepend(batch[2]);
                        Tensor left = a.on(scope, variant);
                        Tensor right = b.on(scope, variant);
                        Numbers product = product(a, transposeA, b, transposeB, shape, (int) mnk[2]);
                        String what = a.shape() + (transposeA ? "ᵀ · " : " · ") + b.shape() + (transposeB ? "ᵀ" : "");
                        double tolerance = variant.tolerance() * Math.sqrt(Math.max(1, mnk[2]));

                        Tensor destination = dirty(scope, variant, shape);
                        backend.products().multiply(left, transposeA, right, transposeB, 1, 0, destination);
                        product.assertClose(destination, tolerance, what);

                        Numbers old = Numbers.random(random, variant, shape);
                        destination = old.on(scope, variant);
                        backend.products().multiply(left, transposeA, right, transposeB, -0.5, 1, destination);
                        Numbers.combine(product, old, shape, (p, o) -> -0.5 * p + o)
                                .assertClose(destination, tolerance, what + ", added");

                        destination = old.on(scope, variant);
                        backend.products().multiply(left, transposeA, right, transposeB, 1, 1, destination);
                        Numbers.combine(product, old, shape, Double::sum)
                                .assertClose(destination, tolerance, what + ", summed");

                        destination = old.on(scope, variant);
                        backend.products().multiply(left, transposeA, right, transposeB, 2, -3, destination);
                        Numbers.combine(product, old, shape, (p, o) -> 2 * p - 3 * o)
                                .assertClose(destination, 3 * tolerance, what + ", mixed");
                    }
                }
            }
        }
    }

    private static Numbers product(
            Numbers a, boolean transposeA, Numbers b, boolean transposeB, Shape shape, int inner) {
        Numbers result = Numbers.filled(shape, 0);
        int rank = shape.rank();
        for (int i = 0; i < result.values().length; i++) {
            int[] index = result.index(i);
            int[] left = index.clone();
            int[] right = index.clone();
            for (int axis = 0; axis < rank - 2; axis++) {
                left[axis] = a.shape().size(axis) == 1 ? 0 : index[axis];
                right[axis] = b.shape().size(axis) == 1 ? 0 : index[axis];
            }
            double sum = 0;
            for (int k = 0; k < inner; k++) {
                left[rank - (transposeA ? 1 : 2)] = index[rank - 2];
                left[rank - (transposeA ? 2 : 1)] = k;
                right[rank - (transposeB ? 2 : 1)] = index[rank - 1];
                right[rank - (transposeB ? 1 : 2)] = k;
                sum += a.at(left) * b.at(right);
            }
            result.values()[i] = sum;
        }
        return result;
    }

    @EachVariant
    void mapsLinearly(Variant variant) {
        var backend = backend(variant);
        Random random = Variant.random(21);
        for (long[] moi : new long[][] {{1, 1, 1}, {5, 3, 4}, {64, 10, 784}, {0, 3, 4}, {3, 2, 0}}) {
            try (var scope = backend.openScope()) {
                Numbers x = Numbers.random(random, variant, Shape.of(moi[0], moi[2]));
                Numbers weight = Numbers.random(random, variant, Shape.of(moi[1], moi[2]));
                Numbers bias = Numbers.random(random, variant, Shape.of(moi[1]));
                Tensor destination = dirty(scope, variant, Shape.of(moi[0], moi[1]));
                backend.products()
                        .linear(x.on(scope, variant), weight.on(scope, variant), bias.on(scope, variant), destination);
                Numbers product = product(x, false, weight, true, destination.shape(), (int) moi[2]);
                Numbers.combine(product, bias, product.shape(), Double::sum)
                        .assertClose(destination, variant.tolerance() * Math.sqrt(Math.max(1, moi[2])), "linear");
            }
        }
    }
}
