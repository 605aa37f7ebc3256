package io.backpack4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.Activation;
import io.backpack4j.spi.backend.Activation.Kind;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

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
            Activation.of(Kind.LOG_SIGMOID));

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
        };
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
