// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

class ReductionsTest extends VariantTest {

    private static final List<Shape> SHAPES = List.of(
            Shape.of(),
            Shape.of(1),
            Shape.of(9),
            Shape.of(4, 5),
            Shape.of(3, 4, 5),
            Shape.of(2, 3, 4, 5),
            Shape.of(3, 1500),
            Shape.of(1500, 3),
            Shape.of(7, 100, 33),
            Shape.of(40_000),
            Shape.of(10_007),
            Shape.of(9000, 10),
            Shape.of(3, 9000),
            Shape.of(0, 3),
            Shape.of(3, 0));

    private static Numbers reduce(Reduction reduction, Numbers x, int from, int to) {
        Shape shape = x.shape();
        int outer = (int) shape.elements(0, from);
        int length = (int) shape.elements(from, to);
        int inner = (int) shape.elements(to, shape.rank());
        Numbers result = Numbers.filled(
                shape.slice(0, from).append(shape.slice(to, shape.rank()).toArray()), 0);
        for (int i = 0; i < outer; i++) {
            for (int j = 0; j < inner; j++) {
                double value = length == 0 ? 0 : x.values()[i * length * inner + j];
                for (int k = 1; k < length; k++) {
                    double next = x.values()[(i * length + k) * inner + j];
                    value = switch (reduction) {
                        case SUM -> value + next;
                        case MAXIMUM -> Math.max(value, next);
                        case MINIMUM -> Math.min(value, next);
                    };
                }
                result.values()[i * inner + j] = value;
            }
        }
        return result;
    }

    @EachVariant
    void reducesAnyNeighbouringAxes(Variant variant) {
        var backend = backend(variant);
        Random random = Variant.random(10);
        try (var scope = backend.openScope()) {
            for (Shape shape : SHAPES) {
                Numbers x = Numbers.random(random, variant, shape);
                Tensor source = x.on(scope, variant);
                for (Reduction reduction : Reduction.values()) {
                    for (int from = 0; from <= shape.rank(); from++) {
                        for (int to = from; to <= shape.rank(); to++) {
                            if (shape.elements() == 0 && reduction != Reduction.SUM) {
                                continue;
                            }
                            Numbers expected = reduce(reduction, x, from, to);
                            Tensor destination = dirty(scope, variant, expected.shape());
                            backend.reductions().reduce(reduction, source, from, to, destination);
                            double length = Math.max(1, shape.elements(from, to));
                            expected.assertClose(
                                    destination,
                                    variant.tolerance() * Math.sqrt(length),
                                    reduction + " over " + from + " to " + to);
                        }
                    }
                }
            }
        }
    }

    @EachVariant
    void extremaOfNothingAreAnError(Variant variant) {
        var backend = backend(variant);
        try (var scope = backend.openScope()) {
            Tensor x = scope.allocate(Shape.of(3, 0), variant.dtype());
            Tensor destination = scope.allocate(Shape.of(3), variant.dtype());
            assertThatThrownBy(() -> backend.reductions().reduce(Reduction.MAXIMUM, x, 1, 2, destination))
                    .isInstanceOf(BackpackException.class)
                    .hasMessageContaining("EmptyReduction")
                    .hasMessageContaining("[3, 0]");
            Tensor empty = scope.allocate(Shape.of(0), variant.dtype());
            backend.reductions().reduce(Reduction.MAXIMUM, x, 0, 1, empty);
        }
    }

    @EachVariant
    void notANumberPropagates(Variant variant) {
        var backend = backend(variant);
        try (var scope = backend.openScope()) {
            for (Shape shape : List.of(Shape.of(4, 6), Shape.of(60, 70))) {
                for (Reduction reduction : Reduction.values()) {
                    Numbers x = Numbers.random(Variant.random(11), variant, shape);
                    x.values()[3] = Double.NaN;
                    x.values()[x.values().length - 1] = Double.NaN;
                    Tensor source = x.on(scope, variant);
                    for (int axis = 0; axis < 2; axis++) {
                        Numbers expected = reduce(reduction, x, axis, axis + 1);
                        Tensor destination = dirty(scope, variant, expected.shape());
                        backend.reductions().reduce(reduction, source, axis, axis + 1, destination);
                        expected.assertClose(destination, variant.tolerance() * 10, reduction + " over " + axis);
                    }
                }
            }
        }
    }

    @EachVariant
    void findsWhatIsNotFinite(Variant variant) {
        var backend = backend(variant);
        try (var scope = backend.openScope()) {
            for (int size : new int[] {0, 1, 5, 1024, 3000}) {
                Numbers x = Numbers.random(Variant.random(12), variant, Shape.of(size));
                if (size > 2) {
                    x.values()[0] = variant.single() ? -Float.MAX_VALUE : Double.MAX_VALUE;
                    x.values()[1] = variant.single() ? Float.MIN_VALUE : Double.MIN_VALUE;
                }
                assertThat(backend.reductions().allFinite(x.on(scope, variant))).isTrue();
                for (double bad : new double[] {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY}) {
                    if (size > 0) {
                        x.values()[size - 1] = bad;
                        assertThat(backend.reductions().allFinite(x.on(scope, variant)))
                                .isFalse();
                    }
                }
            }
        }
    }

    @EachVariant
    void findsWhatIsNotFiniteAnywhere(Variant variant) {
        var backend = backend(variant);
        Random random = Variant.random(13);
        for (int round = 0; round < 12; round++) {
            int size = 8000 + random.nextInt(200_000);
            try (var scope = backend.openScope()) {
                Numbers x = Numbers.random(random, variant, Shape.of(size));
                assertThat(backend.reductions().allFinite(x.on(scope, variant))).isTrue();
                int place = round == 0 ? size - 1 : random.nextInt(size);
                x.values()[place] = random.nextBoolean() ? Double.NaN : Double.NEGATIVE_INFINITY;
                assertThat(backend.reductions().allFinite(x.on(scope, variant)))
                        .as("%d of %d, seed %d", place, size, Variant.seed())
                        .isFalse();
                x.values()[place] = 0;
                // sums that overflow
                Arrays.fill(x.values(), variant.single() ? Float.MAX_VALUE : Double.MAX_VALUE);
                assertThat(backend.reductions().allFinite(x.on(scope, variant))).isTrue();
            }
        }
    }

    @EachVariant
    void countsIntoBins(Variant variant) {
        var backend = backend(variant);
        try (var scope = backend.openScope()) {
            double[] values = {-5, -1, -0.75, -0.5, 0, 0.25, 0.49, 0.5, 0.99, 1, 7};
            Tensor x = new Numbers(Shape.of(values.length), values).on(scope, variant);
            Tensor range = new Numbers(Shape.of(2), new double[] {-2, 2}).on(scope, variant);
            Tensor counts = scope.allocate(Shape.of(5), DType.INT64);
            backend.elementwise().fill(counts, 1);
            backend.reductions().addHistogram(x, range, 0.5, counts);
            // edges -1, -0.5, 0, 0.5, 1
            assertThat(counts.toLongArray()).containsExactly(1 + 3, 1 + 1, 1 + 3, 1 + 4, 1);
        }
    }

    @EachVariant
    void softmaxOverAnyAxis(Variant variant) {
        var backend = backend(variant);
        Random random = Variant.random(13);
        try (var scope = backend.openScope()) {
            for (Shape shape : List.of(
                    Shape.of(5),
                    Shape.of(4, 10),
                    Shape.of(512, 10),
                    Shape.of(8, 600),
                    Shape.of(3, 4, 5),
                    Shape.of(6, 10, 7, 7),
                    Shape.of(0, 4))) {
                Numbers x = Numbers.random(random, variant, shape).map(v -> variant.round(v * 50));
                for (int axis = 0; axis < shape.rank(); axis++) {
                    if (shape.size(axis) == 0) {
                        continue;
                    }
                    Numbers logs = logSoftmax(x, axis);
                    Tensor source = x.on(scope, variant);
                    Tensor destination = dirty(scope, variant, shape);
                    backend.reductions().logSoftmax(source, axis, destination);
                    logs.assertClose(destination, variant.tolerance() * 4, "logSoftmax over " + axis);
                    backend.reductions().softmax(source, axis, destination);
                    logs.map(StrictMath::exp)
                            .assertClose(destination, variant.tolerance() * 20, "softmax over " + axis);
                }
            }
        }
    }

    private static Numbers logSoftmax(Numbers x, int axis) {
        Numbers result = Numbers.filled(x.shape(), 0);
        int length = (int) x.shape().size(axis);
        for (int i = 0; i < x.values().length; i++) {
            int[] index = x.index(i);
            double largest = Double.NEGATIVE_INFINITY;
            for (int k = 0; k < length; k++) {
                index[axis] = k;
                largest = Math.max(largest, x.at(index));
            }
            double sum = 0;
            for (int k = 0; k < length; k++) {
                index[axis] = k;
                sum += StrictMath.exp(x.at(index) - largest);
            }
            result.values()[i] = x.values()[i] - largest - StrictMath.log(sum);
        }
        return result;
    }
}
