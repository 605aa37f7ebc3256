// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.Activation;
import io.backpack4j.spi.backend.Activation.Kind;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

class ActivationsTest extends VariantTest {

    private static final List<Activation> ACTIVATIONS = List.of(
            Activation.of(Kind.RELU),
            new Activation(Kind.LEAKY_RELU, 0.01),
            new Activation(Kind.LEAKY_RELU, 0),
            new Activation(Kind.LEAKY_RELU, -0.5),
            new Activation(Kind.ELU, 1),
            new Activation(Kind.ELU, 0.3),
            new Activation(Kind.ELU, -2),
            Activation.of(Kind.SELU),
            Activation.of(Kind.SIGMOID),
            Activation.of(Kind.TANH),
            Activation.of(Kind.LOG_SIGMOID),
            Activation.of(Kind.GELU),
            Activation.of(Kind.GELU_TANH),
            Activation.of(Kind.SILU),
            Activation.of(Kind.MISH),
            new Activation(Kind.SOFTPLUS, 1, 20),
            new Activation(Kind.SOFTPLUS, 2.5, 0.4),
            Activation.of(Kind.SOFTSIGN),
            new Activation(Kind.HARDTANH, -1.1, 0.7),
            Activation.of(Kind.HARDSIGMOID),
            Activation.of(Kind.HARDSWISH));

    private static final double[] POINTS = {
        0, 1e-8, -1e-8, 1e-3, -1e-3, 0.5, -0.5, 1, -1, 5, -5, 30, -30, 100, -100, 1e30, -1e30
    };

    /** The closed form, calculated with 60 digits where a double would cancel. */
    private static double expected(Activation activation, int order, double x) {
        return switch (activation.kind()) {
            case RELU -> kinked(order, x, 1, 0);
            case LEAKY_RELU -> kinked(order, x, 1, activation.parameter());
            case ELU -> elu(order, x, activation.parameter(), 1);
            case SELU -> elu(order, x, Activation.SELU_ALPHA, Activation.SELU_SCALE);
            case SIGMOID -> sigmoid(order, x);
            // tanh x = 2 σ(2x) - 1
            case TANH ->
                switch (order) {
                    case 0 -> StrictMath.tanh(x);
                    case 1 -> 4 * sigmoid(1, 2 * x);
                    default -> 8 * sigmoid(2, 2 * x);
                };
            case LOG_SIGMOID ->
                switch (order) {
                    case 0 -> x < 0 ? x - StrictMath.log1p(StrictMath.exp(x)) : -StrictMath.log1p(StrictMath.exp(-x));
                    case 1 -> sigmoid(0, -x);
                    default -> -sigmoid(1, x);
                };
            case GELU -> gated(order, x, normal(x));
            case GELU_TANH -> geluTanh(order, x);
            case SILU -> gated(order, x, new double[] {sigmoid(0, x), sigmoid(1, x), sigmoid(2, x)});
            case MISH -> mish(order, x);
            case SOFTPLUS -> softplus(order, x, activation.parameter(), activation.second());
            case SOFTSIGN ->
                switch (order) {
                    case 0 -> x / (1 + Math.abs(x));
                    case 1 -> StrictMath.pow(1 + Math.abs(x), -2);
                    default -> -2 * Math.signum(x) * StrictMath.pow(1 + Math.abs(x), -3);
                };
            case HARDTANH -> hard(order, x, activation.parameter(), activation.second());
            case HARDSIGMOID -> order == 0 ? (hard(0, x, -3, 3) + 3) / 6 : hard(order, x, -3, 3) / 6;
            case HARDSWISH -> hardswish(order, x);
        };
    }

    /** What a gate g makes of x, with g, g' and g''. */
    private static double gated(int order, double x, double[] gate) {
        return switch (order) {
            case 0 -> x * gate[0];
            case 1 -> gate[0] + x * gate[1];
            default -> 2 * gate[1] + x * gate[2];
        };
    }

    private static double geluTanh(int order, double x) {
        double scale = Math.sqrt(8 / Math.PI);
        double w = scale * (x + 0.044715 * x * x * x);
        double first = scale * (1 + 3 * 0.044715 * x * x);
        double second = 6 * scale * 0.044715 * x;
        if (Math.abs(w) > 800) {
            return order == 0 ? Math.max(x, 0) : order == 1 && x > 0 ? 1 : 0;
        }
        double bent = sigmoid(2, w) * first * first + sigmoid(1, w) * second;
        return gated(order, x, new double[] {sigmoid(0, w), sigmoid(1, w) * first, bent});
    }

    /** tanh(s) with s = log(1 + exp(x)). */
    private static double mish(int order, double x) {
        double s = softplus(0, x, 1, Double.POSITIVE_INFINITY);
        double t = StrictMath.tanh(s);
        double steep = 4 * sigmoid(1, 2 * s);
        double slope = sigmoid(0, x);
        return gated(order, x, new double[] {t, steep * slope, steep * (sigmoid(1, x) - 2 * t * slope * slope)});
    }

    private static double softplus(int order, double x, double beta, double threshold) {
        double z = beta * x;
        if (z > threshold) {
            return order == 0 ? x : order == 1 ? 1 : 0;
        }
        return switch (order) {
            case 0 -> (Math.max(z, 0) + StrictMath.log1p(StrictMath.exp(-Math.abs(z)))) / beta;
            case 1 -> sigmoid(0, z);
            default -> beta * sigmoid(1, z);
        };
    }

    /** Φ, φ and φ', Φ by its continued fraction, or by its series near 0. */
    private static double[] normal(double x) {
        double a = Math.min(Math.abs(x), 60);
        double density = StrictMath.exp(-a * a / 2) / Math.sqrt(2 * Math.PI);
        double fraction = a;
        double sum = a;
        double term = a;
        for (int k = 2000; k > 0 && a > 1.5; k--) {
            fraction = a + k / fraction;
        }
        for (int k = 3; k < 80; k += 2) {
            term *= a * a / k;
            sum += term;
        }
        double tail = a > 1.5 ? density / fraction : 0.5 - density * sum;
        return new double[] {x > 0 ? 1 - tail : tail, density, -Math.signum(x) * a * density};
    }

    private static double hard(int order, double x, double low, double high) {
        return switch (order) {
            case 0 -> Math.max(low, Math.min(high, x));
            case 1 -> x > low && x < high ? 1 : 0;
            default -> 0;
        };
    }

    private static double hardswish(int order, double x) {
        if (x <= -3 || x >= 3) {
            return x < 0 || order == 2 ? 0 : order == 0 ? x : 1;
        }
        return order == 0 ? x * (x + 3) / 6 : order == 1 ? x / 3 + 0.5 : 1 / 3.0;
    }

    private static double kinked(int order, double x, double right, double left) {
        double slope = x > 0 ? right : left;
        return switch (order) {
            case 0 -> slope * x;
            case 1 -> slope;
            default -> 0;
        };
    }

    private static double elu(int order, double x, double alpha, double scale) {
        if (x > 0) {
            return order == 0 ? scale * x : order == 1 ? scale : 0;
        }
        return scale * alpha * (order == 0 ? StrictMath.expm1(x) : StrictMath.exp(x));
    }

    private static double sigmoid(int order, double x) {
        if (Math.abs(x) > 800) {
            return order == 0 && x > 0 ? 1 : 0;
        }
        MathContext digits = new MathContext(60);
        BigDecimal tail = new BigDecimal(StrictMath.exp(-Math.abs(x)));
        BigDecimal small = tail.divide(BigDecimal.ONE.add(tail), digits);
        BigDecimal large = BigDecimal.ONE.divide(BigDecimal.ONE.add(tail), digits);
        BigDecimal value = x < 0 ? small : large;
        BigDecimal slope = small.multiply(large);
        return switch (order) {
            case 0 -> value.doubleValue();
            case 1 -> slope.doubleValue();
            default ->
                slope.multiply(BigDecimal.ONE.subtract(value.multiply(BigDecimal.valueOf(2))))
                        .doubleValue();
        };
    }

    /** The points alone, and often enough for the large kernels. */
    private static List<Numbers> inputs(Variant variant) {
        List<Numbers> inputs = new ArrayList<>();
        for (int repeat : new int[] {1, 200}) {
            double[] values = new double[POINTS.length * repeat];
            for (int i = 0; i < values.length; i++) {
                values[i] = variant.round(POINTS[i % POINTS.length]);
            }
            inputs.add(new Numbers(Shape.of(repeat, POINTS.length), values));
        }
        return inputs;
    }

    @EachVariant
    void valuesAndDerivativesMatchTheirClosedForms(Variant variant) {
        var backend = backend(variant);
        try (var scope = backend.openScope()) {
            for (Numbers input : inputs(variant)) {
                for (Activation activation : ACTIVATIONS) {
                    for (int order = 0; order <= 2; order++) {
                        int degree = order;
                        Numbers expected = input.map(x -> variant.round(expected(activation, degree, x)));
                        String what = activation + " of order " + order;
                        Tensor x = input.on(scope, variant);
                        Tensor destination = dirty(scope, variant, input.shape());
                        backend.elementwise().activation(activation, order, x, destination);
                        assertThat(backend.reductions().allFinite(destination))
                                .as(what)
                                .isTrue();
                        expected.assertClose(destination, variant.tolerance(), what);
                        backend.elementwise().activation(activation, order, x, x);
                        expected.assertClose(x, variant.tolerance(), what + " in place");
                    }
                }
            }
        }
    }

    @EachVariant
    void pullsBackThroughTheDerivative(Variant variant) {
        var backend = backend(variant);
        Random random = Variant.random(60);
        try (var scope = backend.openScope()) {
            for (Numbers input : inputs(variant)) {
                for (Activation activation : ACTIVATIONS) {
                    for (int columns : new int[] {1, 3}) {
                        Shape shape = input.shape().prepend(columns);
                        Numbers cotangents = Numbers.random(random, variant, shape);
                        Numbers expected = Numbers.combine(
                                cotangents, input.map(x -> expected(activation, 1, x)), shape, (c, d) -> c * d);
                        Tensor saved = input.on(scope, variant);
                        if (activation.derivativeFromOutput()) {
                            backend.elementwise().activation(activation, 0, saved, saved);
                        }
                        Tensor signal = cotangents.on(scope, variant);
                        Tensor destination = dirty(scope, variant, shape);
                        backend.elementwise().activationPullback(activation, saved, signal, destination);
                        expected.assertClose(destination, variant.tolerance(), "pullback of " + activation);
                        backend.elementwise().activationPullback(activation, saved, signal, signal);
                        expected.assertClose(signal, variant.tolerance(), "pullback of " + activation + " in place");
                    }
                }
            }
        }
    }

    /** As far as single precision reaches, and twice as far. */
    @EachVariant
    void gatesKeepTheirDigitsWhereTheyAreSmall(Variant variant) {
        var backend = backend(variant);
        double least = variant.single() ? 1e-30 : 1e-60;
        double tolerance = variant.single() ? 1e-6 : 1e-12;
        double[] points = IntStream.rangeClosed(1, 150)
                .mapToDouble(k -> -0.11 * k)
                .map(variant::round)
                .toArray();
        try (var scope = backend.openScope()) {
            for (Kind kind : List.of(Kind.GELU, Kind.GELU_TANH, Kind.MISH)) {
                Tensor x = new Numbers(Shape.of(points.length), points).on(scope, variant);
                backend.elementwise().activation(Activation.of(kind), 0, x, x);
                double[] found = x.toDoubleArray();
                for (int i = 0; i < points.length; i++) {
                    double expected = expected(Activation.of(kind), 0, points[i]);
                    if (Math.abs(expected) > least) {
                        assertThat(found[i] / expected)
                                .as("%s at %s", kind, points[i])
                                .isCloseTo(1, within(tolerance));
                    }
                }
            }
        }
    }

    /** Several threads take parts of what is long. */
    @EachVariant
    void manyElementsAreWhatFewAre(Variant variant) {
        var backend = backend(variant);
        Elementwise ops = backend.elementwise();
        Random random = Variant.random(61);
        int count = 40_001;
        int part = 997;
        Numbers numbers = Numbers.random(random, variant, Shape.of(count)).map(x -> variant.round(9 * x));
        Numbers cotangents = Numbers.random(random, variant, Shape.of(2, count));
        try (var scope = backend.openScope()) {
            Tensor x = numbers.on(scope, variant);
            Tensor signal = cotangents.on(scope, variant);
            Tensor whole = dirty(scope, variant, Shape.of(count));
            Tensor parts = dirty(scope, variant, Shape.of(count));
            Tensor pulled = dirty(scope, variant, Shape.of(2, count));
            for (Activation activation : ACTIVATIONS) {
                for (int order = 0; order <= 2; order++) {
                    ops.activation(activation, order, x, whole);
                    for (int from = 0; from < count; from += part) {
                        try (var step = backend.openScope()) {
                            int to = Math.min(count, from + part);
                            ops.activation(activation, order, step.rows(x, from, to), step.rows(parts, from, to));
                        }
                    }
                    Numbers.of(parts).assertClose(whole, variant.tolerance(), activation + " of order " + order);
                }
                if (!activation.derivativeFromOutput()) {
                    ops.activation(activation, 1, x, whole);
                    ops.activationPullback(activation, x, signal, pulled);
                    double[] slopes = whole.toDoubleArray();
                    double[] expected = cotangents.values().clone();
                    for (int i = 0; i < expected.length; i++) {
                        expected[i] *= slopes[i % count];
                    }
                    new Numbers(pulled.shape(), expected)
                            .assertClose(pulled, variant.tolerance(), "pullback of " + activation);
                }
            }
        }
    }

    @EachVariant
    void notANumberStaysVisible(Variant variant) {
        var backend = backend(variant);
        try (var scope = backend.openScope()) {
            for (int size : new int[] {3, 3000}) {
                for (Activation activation : ACTIVATIONS) {
                    Tensor x = Numbers.filled(Shape.of(size), Double.NaN).on(scope, variant);
                    backend.elementwise().activation(activation, 0, x, x);
                    assertThat(x.toDoubleArray()).as(activation.toString()).containsOnly(Double.NaN);
                }
            }
        }
    }

    @EachVariant
    void thereIsNoThirdDerivative(Variant variant) {
        var backend = backend(variant);
        try (var scope = backend.openScope()) {
            Tensor x = Numbers.filled(Shape.of(3), 1).on(scope, variant);
            assertThatThrownBy(() -> backend.elementwise().activation(Activation.of(Kind.TANH), 3, x, x))
                    .isInstanceOf(BackpackException.class)
                    .hasMessageContaining("InvalidOrder");
        }
    }
}
