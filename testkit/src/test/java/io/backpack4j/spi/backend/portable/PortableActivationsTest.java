// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend.portable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.spi.backend.Activation;
import io.backpack4j.spi.backend.Activation.Kind;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.Numbers;
import io.backpack4j.testkit.heap.HeapBackend;
import java.util.Arrays;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class PortableActivationsTest {

    private static final double[] POINTS = {
        0, -0.0, 1e-8, -1e-8, 0.3, -0.3, 1, -1, 5, -5, 30, -30, 100, -100, 1e30, -1e30
    };

    private final HeapBackend backend = new HeapBackend();
    private final TensorScope scope = backend.openScope();

    static Stream<Activation> activations() {
        return Stream.of(
                Activation.of(Kind.RELU),
                new Activation(Kind.LEAKY_RELU, 0.01),
                new Activation(Kind.LEAKY_RELU, 0),
                new Activation(Kind.LEAKY_RELU, -0.5),
                new Activation(Kind.ELU, 1),
                new Activation(Kind.ELU, 0.7),
                new Activation(Kind.ELU, 0),
                new Activation(Kind.ELU, -0.7),
                Activation.of(Kind.SELU),
                Activation.of(Kind.SIGMOID),
                Activation.of(Kind.TANH),
                Activation.of(Kind.LOG_SIGMOID),
                Activation.of(Kind.GELU),
                Activation.of(Kind.GELU_TANH),
                Activation.of(Kind.SILU),
                Activation.of(Kind.MISH),
                new Activation(Kind.SOFTPLUS, 1, 20),
                new Activation(Kind.SOFTPLUS, 2.5, 0.6),
                new Activation(Kind.SOFTPLUS, -1, 3),
                Activation.of(Kind.SOFTSIGN),
                new Activation(Kind.HARDTANH, -1.1, 0.7),
                new Activation(Kind.HARDTANH, 0, 6),
                Activation.of(Kind.HARDSIGMOID),
                Activation.of(Kind.HARDSWISH));
    }

    @AfterEach
    void closeAll() {
        scope.close();
        backend.close();
    }

    @ParameterizedTest
    @MethodSource("activations")
    void valuesAreRightAtEveryScale(Activation activation) {
        double[] values = evaluate(activation, 0, POINTS);

        for (int i = 0; i < POINTS.length; i++) {
            double expected = value(activation, POINTS[i]);
            assertThat(values[i]).as("%s at %s", activation, POINTS[i]).isCloseTo(expected, close(expected));
        }
    }

    @ParameterizedTest
    @MethodSource("activations")
    void derivativesAreRightAtEveryScale(Activation activation) {
        double[] first = evaluate(activation, 1, POINTS);
        double[] second = evaluate(activation, 2, POINTS);

        for (int i = 0; i < POINTS.length; i++) {
            double x = POINTS[i];
            assertThat(first[i])
                    .as("%s' at %s", activation, x)
                    .isCloseTo(derivative(activation, x), close(derivative(activation, x)));
            assertThat(second[i])
                    .as("%s'' at %s", activation, x)
                    .isCloseTo(secondDerivative(activation, x), close(secondDerivative(activation, x)));
        }
    }

    @ParameterizedTest
    @MethodSource("activations")
    void derivativesAreDifferences(Activation activation) {
        double h = 1e-5;
        for (double x : new double[] {-4, -1.3, -0.2, 0.2, 1.3, 4}) {
            double[] values = evaluate(activation, 0, x - h, x, x + h);
            double first = (values[2] - values[0]) / (2 * h);
            double[] slopes = evaluate(activation, 1, x - h, x, x + h);
            double second = (slopes[2] - slopes[0]) / (2 * h);

            assertThat(slopes[1]).as("%s' at %s", activation, x).isCloseTo(first, within(1e-8));
            assertThat(evaluate(activation, 2, x)[0])
                    .as("%s'' at %s", activation, x)
                    .isCloseTo(second, within(1e-8));
        }
    }

    @ParameterizedTest
    @MethodSource("activations")
    void singlePrecisionStaysFinite(Activation activation) {
        for (int order = 0; order <= 2; order++) {
            Tensor x = backend.upload(scope, Shape.of(POINTS.length), DType.FLOAT32, POINTS);
            Tensor result = scope.allocate(x.shape(), DType.FLOAT32);
            backend.elementwise().activation(activation, order, x, result);

            assertThat(backend.reductions().allFinite(result)).isTrue();
        }
    }

    @ParameterizedTest
    @MethodSource("activations")
    void worksInPlace(Activation activation) {
        for (int order = 0; order <= 2; order++) {
            Tensor x = backend.upload(scope, Shape.of(POINTS.length), DType.FLOAT64, POINTS);
            backend.elementwise().activation(activation, order, x, x);

            assertThat(x.toDoubleArray()).containsExactly(evaluate(activation, order, POINTS));
        }
    }

    @ParameterizedTest
    @MethodSource("activations")
    void pullsBackSeveralColumns(Activation activation) {
        int samples = POINTS.length;
        Tensor x = backend.upload(scope, Shape.of(samples), DType.FLOAT64, POINTS);
        Tensor saved = x;
        if (activation.derivativeFromOutput()) {
            saved = scope.allocate(x.shape(), DType.FLOAT64);
            backend.elementwise().activation(activation, 0, x, saved);
        }
        double[] cotangents = new double[2 * samples];
        double[] expected = new double[2 * samples];
        for (int i = 0; i < cotangents.length; i++) {
            cotangents[i] = i - 3.5;
            expected[i] = cotangents[i] * derivative(activation, POINTS[i % samples]);
        }
        Tensor given = backend.upload(scope, Shape.of(2, samples), DType.FLOAT64, cotangents);
        Tensor result = scope.allocate(given.shape(), DType.FLOAT64);

        backend.elementwise().activationPullback(activation, saved, given, result);

        Numbers.assertClose(activation.toString(), result.toDoubleArray(), expected, 1e-15);
    }

    @ParameterizedTest
    @MethodSource("activations")
    void curvatureIsTheSecondDerivativeTimesTheGradient(Activation activation) {
        for (DType dtype : new DType[] {DType.FLOAT64, DType.FLOAT32}) {
            int samples = POINTS.length;
            Tensor x = backend.upload(scope, Shape.of(samples), dtype, POINTS);
            Tensor saved = x;
            if (activation.derivativeFromOutput()) {
                saved = scope.allocate(x.shape(), dtype);
                backend.elementwise().activation(activation, 0, x, saved);
            }
            double[] cotangents = new double[samples];
            double[] expected = new double[samples];
            for (int i = 0; i < samples; i++) {
                cotangents[i] = i - 3.5;
                expected[i] = cotangents[i] * secondDerivative(activation, POINTS[i]);
            }
            Tensor given = backend.upload(scope, Shape.of(samples), dtype, cotangents);
            Tensor result = scope.allocate(given.shape(), dtype);

            backend.elementwise().activationCurvature(activation, saved, given, result);

            double tolerance = dtype == DType.FLOAT64 ? 1e-15 : 1e-6;
            Numbers.assertClose(activation.toString(), result.toDoubleArray(), expected, tolerance);
        }
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void curvatureIsZeroOfPiecewiseLinearFunctions(Kind kind) {
        Activation activation = new Activation(kind, 0.5, 0.7);

        double[] second = evaluate(activation, 2, -2, -0.5, 0.5, 2);

        assertThat(Arrays.stream(second).allMatch(value -> value == 0)).isEqualTo(activation.isPiecewiseLinear());
    }

    @Test
    void otherOrdersAreRefused() {
        Tensor x = backend.upload(scope, Shape.of(1), DType.FLOAT64, new double[1]);

        assertThatThrownBy(() -> backend.elementwise().activation(Activation.of(Kind.TANH), 3, x, x))
                .hasMessageContaining("not of order 3");
    }

    private double[] evaluate(Activation activation, int order, double... points) {
        try (TensorScope inner = backend.openScope()) {
            Tensor x = backend.upload(inner, Shape.of(points.length), DType.FLOAT64, points);
            Tensor result = inner.allocate(x.shape(), DType.FLOAT64);
            backend.elementwise().activation(activation, order, x, result);
            return result.toDoubleArray();
        }
    }

    /** 14 digits, of tiny values too. */
    private static Offset<Double> close(double expected) {
        return within(1e-14 * Math.abs(expected) + Double.MIN_NORMAL);
    }

    /** What a gate makes of x, g being a function with two derivatives. */
    private static double gated(int order, double x, double g, double first, double second) {
        return switch (order) {
            case 0 -> x * g;
            case 1 -> g + x * first;
            default -> 2 * first + x * second;
        };
    }

    /** T(a) = φ(a) / (a + 1 / (a + 2 / (a + 3 / …))), or ½ − φ(a) (a + a³/3 + a⁵/15 + …) for small a ≥ 0. */
    private static double normalTail(double a) {
        double density = Math.exp(-a * a / 2) / Math.sqrt(2 * Math.PI);
        if (density == 0) {
            return 0;
        }
        if (a > 1.5) {
            double fraction = a;
            for (int k = 2000; k > 0; k--) {
                fraction = a + k / fraction;
            }
            return density / fraction;
        }
        double term = a;
        double sum = a;
        for (int k = 3; k < 80; k += 2) {
            term *= a * a / k;
            sum += term;
        }
        return 0.5 - density * sum;
    }

    private static double gelu(int order, double x) {
        double tail = normalTail(Math.abs(x));
        double density = Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
        return gated(order, x, x > 0 ? 1 - tail : tail, density, density == 0 ? 0 : -x * density);
    }

    private static double geluTanh(int order, double x) {
        double c = Math.sqrt(8 / Math.PI);
        double w = c * (x + 0.044715 * x * x * x);
        if (Math.abs(w) > 800) {
            return order == 0 ? Math.max(x, 0) : order == 1 && x > 0 ? 1 : 0;
        }
        double first = c * (1 + 3 * 0.044715 * x * x);
        double slope = sigmoid(w) * sigmoid(-w);
        double second = slope * (6 * c * 0.044715 * x - Math.tanh(w / 2) * first * first);
        return gated(order, x, sigmoid(w), slope * first, second);
    }

    private static double silu(int order, double x) {
        double slope = sigmoid(x) * sigmoid(-x);
        return gated(order, x, sigmoid(x), slope, -slope * Math.tanh(x / 2));
    }

    /** By the chain rule: t = tanh(s), s = log(1 + exp(x)), t' = (1 − t²) σ, t'' = (1 − t²) (σ' − 2 t σ²). */
    private static double mish(int order, double x) {
        double s = x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x));
        double t = Math.tanh(s);
        double steep = 4 * sigmoid(2 * s) * sigmoid(-2 * s);
        double slope = sigmoid(x) * sigmoid(-x);
        double second = steep * (slope - 2 * t * sigmoid(x) * sigmoid(x));
        return gated(order, x, t, steep * sigmoid(x), second);
    }

    private static double softplus(Activation activation, int order, double x) {
        double beta = activation.parameter();
        double z = beta * x;
        if (z > activation.second()) {
            return order == 0 ? x : order == 1 ? 1 : 0;
        }
        return switch (order) {
            case 0 -> (z > 0 ? z + Math.log1p(Math.exp(-z)) : Math.log1p(Math.exp(z))) / beta;
            case 1 -> sigmoid(z);
            default -> beta * sigmoid(z) * sigmoid(-z);
        };
    }

    private static double softsign(int order, double x) {
        return switch (order) {
            case 0 -> x / (1 + Math.abs(x));
            case 1 -> Math.pow(1 + Math.abs(x), -2);
            default -> -2 * Math.signum(x) * Math.pow(1 + Math.abs(x), -3);
        };
    }

    private static double hard(Activation activation, int order, double x) {
        boolean isTanh = activation.kind() == Kind.HARDTANH;
        double low = isTanh ? activation.parameter() : -3;
        double high = isTanh ? activation.second() : 3;
        boolean inside = x > low && x < high;
        if (activation.kind() == Kind.HARDSWISH) {
            return switch (order) {
                case 0 -> inside ? x * (x + 3) / 6 : Math.max(x > 0 ? x : 0, 0);
                case 1 -> inside ? x / 3 + 0.5 : x > 0 ? 1 : 0;
                default -> inside ? 1.0 / 3 : 0;
            };
        }
        double clamped = Math.min(Math.max(x, low), high);
        return switch (order) {
            case 0 -> isTanh ? clamped : (clamped + 3) / 6;
            case 1 -> !inside ? 0 : isTanh ? 1 : 1.0 / 6;
            default -> 0;
        };
    }

    private static double newer(Activation activation, int order, double x) {
        return switch (activation.kind()) {
            case GELU -> gelu(order, x);
            case GELU_TANH -> geluTanh(order, x);
            case SILU -> silu(order, x);
            case MISH -> mish(order, x);
            case SOFTPLUS -> softplus(activation, order, x);
            case SOFTSIGN -> softsign(order, x);
            default -> hard(activation, order, x);
        };
    }

    private static double value(Activation activation, double x) {
        double parameter = activation.parameter();
        return switch (activation.kind()) {
            case RELU -> x > 0 ? x : 0;
            case LEAKY_RELU -> x > 0 ? x : parameter * x;
            case ELU -> x > 0 ? x : parameter * Math.expm1(x);
            case SELU -> Activation.SELU_SCALE * (x > 0 ? x : Activation.SELU_ALPHA * Math.expm1(x));
            case SIGMOID -> sigmoid(x);
            case TANH -> Math.tanh(x);
            case LOG_SIGMOID -> x > 0 ? -Math.log1p(Math.exp(-x)) : x - Math.log1p(Math.exp(x));
            default -> newer(activation, 0, x);
        };
    }

    private static double derivative(Activation activation, double x) {
        double parameter = activation.parameter();
        return switch (activation.kind()) {
            case RELU -> x > 0 ? 1 : 0;
            case LEAKY_RELU -> x > 0 ? 1 : parameter;
            case ELU -> x > 0 ? 1 : parameter * Math.exp(x);
            case SELU -> Activation.SELU_SCALE * (x > 0 ? 1 : Activation.SELU_ALPHA * Math.exp(x));
            case SIGMOID -> sigmoid(x) * sigmoid(-x);
            case TANH -> 1 / Math.pow(Math.cosh(x), 2);
            case LOG_SIGMOID -> sigmoid(-x);
            default -> newer(activation, 1, x);
        };
    }

    private static double secondDerivative(Activation activation, double x) {
        double parameter = activation.parameter();
        return switch (activation.kind()) {
            case RELU, LEAKY_RELU -> 0;
            case ELU -> x > 0 ? 0 : parameter * Math.exp(x);
            case SELU -> x > 0 ? 0 : Activation.SELU_SCALE * Activation.SELU_ALPHA * Math.exp(x);
            case SIGMOID -> -sigmoid(x) * sigmoid(-x) * Math.tanh(x / 2);
            case TANH -> -2 * Math.tanh(x) / Math.pow(Math.cosh(x), 2);
            case LOG_SIGMOID -> -sigmoid(x) * sigmoid(-x);
            default -> newer(activation, 2, x);
        };
    }

    private static double sigmoid(double x) {
        return x > 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));
    }
}
