// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.spi.backend.AdamStep;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.MomentumStep;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;

class ElementwiseTest extends VariantTest {

    private static final List<Shape> SHAPES = List.of(
            Shape.of(),
            Shape.of(0),
            Shape.of(1),
            Shape.of(7),
            Shape.of(3, 0, 2),
            Shape.of(5, 3),
            Shape.of(2, 3, 5, 7),
            Shape.of(1023),
            Shape.of(1025),
            Shape.of(50, 1000),
            Shape.of(3, 50_001));

    /** Of what is added, and of what is there. */
    private static final double[][] FACTORS = {{0.7, 0.3}, {-0.1, 0.9}, {-2, 0.5}, {0, 0.5}, {0.5, 0}, {0, 0}};

    private static DoubleUnaryOperator function(UnaryOperation operation) {
        return switch (operation) {
            case NEGATE -> x -> -x;
            case ABS -> Math::abs;
            case SIGN -> Math::signum;
            case EXP -> StrictMath::exp;
            case LOG -> StrictMath::log;
            case LOG1P -> StrictMath::log1p;
            case EXPM1 -> StrictMath::expm1;
            case SQRT -> Math::sqrt;
            case SQUARE -> x -> x * x;
            case RECIPROCAL -> x -> 1 / x;
            case TANH -> StrictMath::tanh;
            case POSITIVE -> x -> x > 0 ? 1 : 0;
        };
    }

    private static DoubleBinaryOperator function(BinaryOperation operation) {
        return switch (operation) {
            case ADD -> Double::sum;
            case SUBTRACT -> (x, y) -> x - y;
            case MULTIPLY -> (x, y) -> x * y;
            case DIVIDE -> (x, y) -> x / y;
            case MAXIMUM -> Math::max;
            case MINIMUM -> Math::min;
        };
    }

    @EachVariant
    void fills(Variant variant) {
        var backend = backend(variant);
        try (var scope = backend.openScope()) {
            for (Shape shape : SHAPES) {
                for (double value : new double[] {0, -0.0, 1.5, Double.NaN, Double.NEGATIVE_INFINITY}) {
                    Tensor tensor = dirty(scope, variant, shape);
                    backend.elementwise().fill(tensor, value);
                    Numbers.filled(shape, value).assertClose(tensor, 0, "fill");
                }
            }
            Tensor integers = scope.allocate(Shape.of(5), DType.INT64);
            backend.elementwise().fill(integers, 3);
            assertThat(integers.toLongArray()).containsOnly(3);
        }
    }

    @EachVariant
    void copiesBetweenAllTypes(Variant variant) {
        var backend = backend(variant);
        try (var scope = backend.openScope()) {
            for (Shape shape : SHAPES) {
                Numbers numbers =
                        Numbers.random(Variant.random(1), variant, shape).map(x -> Math.rint(x * 100) + 0.0);
                Tensor source = numbers.on(scope, variant);
                for (DType dtype : DType.values()) {
                    Tensor copy = scope.allocate(shape, dtype);
                    backend.elementwise().copy(source, copy);
                    numbers.assertClose(copy, 0, "copy to " + dtype);
                    Tensor back = scope.allocate(shape, variant.dtype());
                    backend.elementwise().copy(copy, back);
                    numbers.assertClose(back, 0, "copy from " + dtype);
                }
            }
            Tensor large = scope.allocate(Shape.of(1), DType.INT64);
            large.write(0, new long[] {Long.MAX_VALUE - 1}, 0, 1);
            Tensor copy = scope.allocate(Shape.of(1), DType.INT64);
            backend.elementwise().copy(large, copy);
            assertThat(copy.toLongArray()).containsExactly(Long.MAX_VALUE - 1);
        }
    }

    @EachVariant
    void appliesFunctionsOfOneNumber(Variant variant) {
        var backend = backend(variant);
        Random random = Variant.random(2);
        try (var scope = backend.openScope()) {
            for (UnaryOperation operation : UnaryOperation.values()) {
                boolean positive = operation == UnaryOperation.LOG || operation == UnaryOperation.SQRT;
                for (Shape shape : SHAPES) {
                    Numbers x = Numbers.random(random, variant, shape).map(v -> positive ? Math.abs(v) + 0.01 : v);
                    Tensor source = x.on(scope, variant);
                    Numbers expected = Numbers.of(source).map(function(operation));
                    Tensor destination = dirty(scope, variant, shape);
                    backend.elementwise().apply(operation, source, destination);
                    expected.assertClose(destination, variant.tolerance(), operation.name());
                    backend.elementwise().apply(operation, source, source);
                    expected.assertClose(source, variant.tolerance(), operation + " in place");
                }
            }
        }
    }

    @EachVariant
    void treatsSpecialNumbersAsJavaDoes(Variant variant) {
        var backend = backend(variant);
        double[] special = {
            Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, 0, 1e-30, -1e-30, 1e18, -1e18
        };
        double[] many = new double[4096];
        for (int i = 0; i < many.length; i++) {
            many[i] = variant.round(special[i % special.length]);
        }
        try (var scope = backend.openScope()) {
            for (double[] values : List.of(java.util.Arrays.copyOf(many, special.length), many)) {
                Shape shape = Shape.of(values.length);
                Tensor x = new Numbers(shape, values).on(scope, variant);
                for (UnaryOperation operation : UnaryOperation.values()) {
                    Tensor destination = dirty(scope, variant, shape);
                    backend.elementwise().apply(operation, x, destination);
                    Numbers.of(x)
                            .map(function(operation))
                            .map(variant::round)
                            .assertClose(destination, variant.tolerance(), operation.name());
                }
                double[] reversed = new double[values.length];
                for (int i = 0; i < values.length; i++) {
                    reversed[i] = values[(i * 3 + i / special.length) % values.length];
                }
                Tensor y = new Numbers(shape, reversed).on(scope, variant);
                for (BinaryOperation operation : BinaryOperation.values()) {
                    Tensor destination = dirty(scope, variant, shape);
                    backend.elementwise().combine(operation, x, y, destination);
                    Numbers.combine(Numbers.of(x), Numbers.of(y), shape, function(operation))
                            .map(variant::round)
                            .assertClose(destination, variant.tolerance(), operation.name());
                }
            }
        }
    }

    @EachVariant
    void combinesWithStretchedAxes(Variant variant) {
        var backend = backend(variant);
        Random random = Variant.random(3);
        long[][][] table = {
            // a, b, destination
            {{}, {}, {}},
            {{3}, {}, {3}},
            {{}, {3}, {3}},
            {{4, 3}, {3}, {4, 3}},
            {{3}, {4, 3}, {4, 3}},
            {{4, 3}, {4, 1}, {4, 3}},
            {{4, 1}, {4, 3}, {4, 3}},
            {{4, 1}, {3}, {4, 3}},
            {{2, 4, 3}, {4, 3}, {2, 4, 3}},
            {{2, 4, 3}, {2, 1, 3}, {2, 4, 3}},
            {{2, 1, 3}, {1, 4, 1}, {2, 4, 3}},
            {{2, 1, 3, 1}, {5, 1, 7}, {2, 5, 3, 7}},
            {{1, 1, 1}, {2}, {1, 1, 2}},
            {{0, 3}, {3}, {0, 3}},
            {{0, 3}, {1, 1}, {0, 3}},
            {{2, 0}, {2, 1}, {2, 0}},
            {{1}, {0}, {0}},
            {{60, 500}, {500}, {60, 500}},
            {{60, 500}, {60, 1}, {60, 500}},
            {{60, 500}, {1}, {60, 500}},
            {{500}, {60, 500}, {60, 500}},
            {{60, 1}, {60, 500}, {60, 500}},
            {{60, 1}, {1, 500}, {60, 500}},
            {{9, 2000}, {9, 2000}, {9, 2000}},
            {{70, 2000}, {70, 2000}, {70, 2000}},
            {{9, 2000}, {2000}, {9, 2000}},
            {{3, 7, 90, 11}, {7, 1, 11}, {3, 7, 90, 11}},
            {{3, 7, 900}, {7, 1}, {3, 7, 900}},
            {{3, 7, 900}, {3, 1, 900}, {3, 7, 900}},
            {{3, 7, 900}, {3, 1, 1}, {3, 7, 900}},
        };
        try (var scope = backend.openScope()) {
            for (long[][] shapes : table) {
                for (BinaryOperation operation : BinaryOperation.values()) {
                    Numbers a = Numbers.random(random, variant, Shape.of(shapes[0]));
                    Numbers b =
                            Numbers.random(random, variant, Shape.of(shapes[1])).map(x -> x + Math.signum(x));
                    Shape shape = Shape.of(shapes[2]);
                    Tensor left = a.on(scope, variant);
                    Tensor right = b.on(scope, variant);
                    Numbers expected = Numbers.combine(Numbers.of(left), Numbers.of(right), shape, function(operation));
                    Tensor destination = dirty(scope, variant, shape);
                    String what = operation + " of " + a.shape() + " and " + b.shape();
                    backend.elementwise().combine(operation, left, right, destination);
                    expected.assertClose(destination, variant.tolerance(), what);
                    if (a.shape().equals(shape)) {
                        Tensor both = a.on(scope, variant);
                        backend.elementwise().combine(operation, both, right, both);
                        expected.assertClose(both, variant.tolerance(), what + " into the first");
                    }
                    if (b.shape().equals(shape)) {
                        Tensor both = b.on(scope, variant);
                        backend.elementwise().combine(operation, left, both, both);
                        expected.assertClose(both, variant.tolerance(), what + " into the second");
                    }
                }
            }
        }
    }

    @EachVariant
    void combinesATensorWithItself(Variant variant) {
        var backend = backend(variant);
        try (var scope = backend.openScope()) {
            for (int size : new int[] {5, 5000}) {
                Numbers x = Numbers.random(Variant.random(4), variant, Shape.of(size));
                Tensor tensor = x.on(scope, variant);
                backend.elementwise().combine(BinaryOperation.MULTIPLY, tensor, tensor, tensor);
                x.map(v -> v * v).assertClose(tensor, variant.tolerance(), "x * x in place");
                backend.elementwise().combine(BinaryOperation.SUBTRACT, tensor, tensor, tensor);
                x.map(v -> 0).assertClose(tensor, 0, "x - x in place");
            }
        }
    }

    @EachVariant
    void scalesAndShifts(Variant variant) {
        var backend = backend(variant);
        Random random = Variant.random(5);
        try (var scope = backend.openScope()) {
            for (Shape shape : SHAPES) {
                Numbers x = Numbers.random(random, variant, shape);
                Numbers y = Numbers.random(random, variant, shape);
                Tensor source = x.on(scope, variant);
                Tensor destination = dirty(scope, variant, shape);
                backend.elementwise().affine(source, 0.25, -3, destination);
                x.map(v -> 0.25 * v - 3).assertClose(destination, variant.tolerance(), "affine");
                backend.elementwise().affine(source, -2, 0.5, source);
                x.map(v -> -2 * v + 0.5).assertClose(source, variant.tolerance(), "affine in place");
                Tensor sum = y.on(scope, variant);
                Tensor added = x.on(scope, variant);
                backend.elementwise().addScaled(-1.5, added, sum);
                Numbers.combine(x, y, shape, (v, w) -> w - 1.5 * v).assertClose(sum, variant.tolerance(), "addScaled");
                backend.elementwise().addScaled(2, added, added);
                x.map(v -> 3 * v).assertClose(added, variant.tolerance(), "addScaled to itself");
                for (double[] factors : FACTORS) {
                    Tensor kept = y.on(scope, variant);
                    backend.elementwise().addScaled(factors[0], x.on(scope, variant), factors[1], kept);
                    Numbers.combine(x, y, shape, (v, w) -> factors[1] * w + factors[0] * v)
                            .assertClose(kept, variant.tolerance(), "addScaled with " + Arrays.toString(factors));
                }
            }
        }
    }

    /** Kingma and Ba, algorithm 1, element by element in double precision, of numbers that the type has. */
    @EachVariant
    void updatesAsAdam(Variant variant) {
        var backend = backend(variant);
        Random random = Variant.random(77);
        AdamStep step = new AdamStep(0.8, 0.95, 0.1, 1.5, 1e-3);
        try (var scope = backend.openScope()) {
            for (Shape shape : List.of(Shape.of(0), Shape.of(7), Shape.of(2048), Shape.of(2049), Shape.of(3, 5001))) {
                int count = (int) shape.elements();
                double[][] numbers = new double[4][count];
                Tensor[] tensors = new Tensor[4];
                for (int t = 0; t < 4; t++) {
                    for (int i = 0; i < count; i++) {
                        double drawn = random.nextGaussian();
                        numbers[t][i] = variant.round(t == 2 ? Math.abs(drawn) : drawn);
                    }
                    tensors[t] = scope.allocate(shape, variant.dtype());
                    tensors[t].write(0, numbers[t], 0, count);
                }
                backend.elementwise().adam(tensors[0], tensors[1], tensors[2], tensors[3], step);
                double[] means = tensors[1].toDoubleArray();
                double[] squares = tensors[2].toDoubleArray();
                double[] values = tensors[3].toDoubleArray();
                for (int i = 0; i < count; i++) {
                    double g = numbers[0][i];
                    double mean = 0.8 * numbers[1][i] + 0.2 * g;
                    double square = 0.95 * numbers[2][i] + 0.05 * g * g;
                    double value = numbers[3][i] - 0.1 * mean / (Math.sqrt(square) * 1.5 + 1e-3);
                    double close = variant.tolerance() * (1 + Math.abs(g) + Math.abs(numbers[1][i]));
                    assertThat(means[i]).isCloseTo(mean, within(close));
                    assertThat(squares[i]).isCloseTo(square, within(variant.tolerance() * (1 + square)));
                    assertThat(values[i]).isCloseTo(value, within(close * (1 + 100 * Math.abs(numbers[3][i] - value))));
                }
            }
        }
    }

    /** The definition, element by element in double precision, of numbers that the type has. */
    @EachVariant
    void updatesWithMomentum(Variant variant) {
        var backend = backend(variant);
        Random random = Variant.random(78);
        List<MomentumStep> steps = List.of(
                new MomentumStep(1, 0, 0.9, 1, 0, 0.1),
                new MomentumStep(-1, 0.3, 0.8, 0.6, 0, 0.2),
                new MomentumStep(1, 0.2, 0.7, 1, 0.1, 0.07),
                new MomentumStep(1, 0, 0, 1, 0.2, 0.1));
        try (var scope = backend.openScope()) {
            for (Shape shape : List.of(
                    Shape.of(0),
                    Shape.of(7),
                    Shape.of(2049),
                    Shape.of(4, 4096),
                    Shape.of(16_383),
                    Shape.of(3, 50_001))) {
                Numbers g = Numbers.random(random, variant, shape);
                Numbers b = Numbers.random(random, variant, shape);
                Numbers x = Numbers.random(random, variant, shape);
                Tensor gradient = g.on(scope, variant);
                for (MomentumStep step : steps) {
                    Tensor buffer = b.on(scope, variant);
                    Tensor value = x.on(scope, variant);
                    backend.elementwise().momentum(gradient, buffer, value, step);
                    Numbers direction = Numbers.combine(g, x, shape, (v, w) -> step.scale() * v + step.decay() * w);
                    Numbers moved = Numbers.combine(b, direction, shape, (v, w) -> step.kept() * v + step.taken() * w);
                    moved.assertClose(buffer, variant.tolerance(), "buffer of " + step);
                    Numbers ahead = Numbers.combine(x, direction, shape, (v, w) -> v - step.ofGradient() * w);
                    Numbers.combine(ahead, moved, shape, (v, w) -> v - step.ofBuffer() * w)
                            .assertClose(value, variant.tolerance(), "value of " + step);
                }
                g.assertClose(gradient, 0, "gradient");
            }
        }
    }
}
