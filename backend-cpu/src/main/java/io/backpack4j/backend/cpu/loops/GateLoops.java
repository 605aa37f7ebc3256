// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.spi.backend.Activation;
import io.backpack4j.spi.backend.NormalTail;

/**
 * f(x) = x g(x), with a gate g that goes from 0 to 1: f' = g + x g', f'' = 2 g' + x g''. Gates keep their digits where
 * they are small.
 */
final class GateLoops {

    private static final double DENSITY = 1 / Math.sqrt(2 * Math.PI);

    private GateLoops() {}

    static void apply(Activation.Kind kind, int order, double[] x, int count) {
        switch (kind) {
            case GELU -> {
                for (int i = 0; i < count; i++) {
                    x[i] = normal(order, x[i]);
                }
            }
            case GELU_TANH -> {
                for (int i = 0; i < count; i++) {
                    x[i] = cubic(order, x[i]);
                }
            }
            case SILU -> {
                for (int i = 0; i < count; i++) {
                    x[i] = logistic(order, x[i]);
                }
            }
            default -> {
                for (int i = 0; i < count; i++) {
                    x[i] = mish(order, x[i]);
                }
            }
        }
    }

    private static double normal(int order, double x) {
        double size = Math.min(Math.abs(x), Activation.GELU_RANGE);
        double exponential = Math.exp(-0.5 * size * size);
        if (order == 2) {
            return exponential * DENSITY * (2 - size * size);
        }
        double tail = exponential * NormalTail.scaled(size);
        double gate = x > 0 ? 1 - tail : tail;
        return order == 0 ? x * gate : gate + x * (exponential * DENSITY);
    }

    private static double cubic(int order, double x) {
        double scale = Activation.GELU_TANH_SCALE;
        double cubic = Activation.GELU_TANH_CUBIC;
        double near = Math.max(-Activation.GELU_RANGE, Math.min(Activation.GELU_RANGE, x));
        double square = near * near;
        double argument = scale * near * (1 + cubic * square);
        if (order == 0) {
            return x * ActivationLoops.sigmoid(argument);
        }
        double change = scale * (1 + 3 * cubic * square);
        double slope = ActivationLoops.sigmoidDerivative(argument);
        if (order == 1) {
            return ActivationLoops.sigmoid(argument) + x * (slope * change);
        }
        double bend = 6 * scale * cubic * near - Math.tanh(0.5 * argument) * change * change;
        return slope * (2 * change + near * bend);
    }

    private static double logistic(int order, double x) {
        return switch (order) {
            case 0 -> x * ActivationLoops.sigmoid(x);
            case 1 -> ActivationLoops.sigmoid(x) + x * ActivationLoops.sigmoidDerivative(x);
            default -> ActivationLoops.sigmoidDerivative(x) * (2 - x * Math.tanh(0.5 * x));
        };
    }

    /**
     * t = tanh(log(1 + exp(x))), with e = exp(−|x|). With d = e² + 2e + 2 where x ≤ 0, t = (e² + 2e) / d, t' = 4 (e² +
     * e) / d² and t'' = 4 e (2 + 2e − 3e² − 2e³) / d³; with d = 1 + 2e + 2e² elsewhere, (1 + 2e) / d, 4 (e² + e³) / d²
     * and 4 e² (2e³ + 2e² − 3e − 2) / d³.
     */
    private static double mish(int order, double x) {
        double e = Math.exp(-Math.abs(x));
        boolean positive = x > 0;
        double d = positive ? 1 + e * (2 + 2 * e) : 2 + e * (2 + e);
        double gate = (positive ? 1 + 2 * e : e * (2 + e)) / d;
        if (order == 0) {
            return x * gate;
        }
        double slope = 4 * e * (positive ? e * (1 + e) : 1 + e) / (d * d);
        if (order == 1) {
            return gate + x * slope;
        }
        double bend = positive ? e * (e * (2 * e * (e + 1) - 3) - 2) : 2 + e * (2 - e * (3 + 2 * e));
        return 2 * slope + x * (4 * e * bend / (d * d * d));
    }
}
