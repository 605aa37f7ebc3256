// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.spi.backend.Activation;
import java.util.Arrays;

/** Functions that are put together of pieces. */
final class PieceLoops {

    private PieceLoops() {}

    static void apply(Activation activation, int order, double[] x, int count) {
        switch (activation.kind()) {
            case SOFTPLUS -> softplus(activation.parameter(), activation.second(), order, x, count);
            case SOFTSIGN -> {
                for (int i = 0; i < count; i++) {
                    x[i] = softsign(order, x[i]);
                }
            }
            case HARDTANH -> {
                if (order == 0) {
                    for (int i = 0; i < count; i++) {
                        x[i] = Math.max(activation.parameter(), Math.min(activation.second(), x[i]));
                    }
                } else {
                    inside(activation.parameter(), activation.second(), 2 - order, x, count);
                }
            }
            case HARDSIGMOID -> {
                if (order == 0) {
                    for (int i = 0; i < count; i++) {
                        x[i] = hardsigmoid(x[i]);
                    }
                } else {
                    inside(-3, 3, (2 - order) / 6.0, x, count);
                }
            }
            default -> hardswish(order, x, count);
        }
    }

    private static void softplus(double beta, double threshold, int order, double[] x, int count) {
        for (int i = 0; i < count; i++) {
            double argument = beta * x[i];
            boolean above = argument > threshold;
            x[i] = switch (order) {
                case 0 -> above ? x[i] : (Math.max(argument, 0) + Math.log1p(Math.exp(-Math.abs(argument)))) / beta;
                case 1 -> above ? 1 : ActivationLoops.sigmoid(argument);
                default -> above ? 0 : beta * ActivationLoops.sigmoidDerivative(argument);
            };
        }
    }

    private static double softsign(int order, double x) {
        double size = 1 + Math.abs(x);
        return switch (order) {
            case 0 -> x / size;
            case 1 -> 1 / (size * size);
            default -> -2 * Math.signum(x) / (size * size * size);
        };
    }

    private static double hardsigmoid(double x) {
        return Math.max(0, Math.min(6, x + 3)) / 6;
    }

    private static void hardswish(int order, double[] x, int count) {
        if (order == 2) {
            inside(-3, 3, 1 / 3.0, x, count);
            return;
        }
        for (int i = 0; i < count; i++) {
            if (order == 0) {
                x[i] *= hardsigmoid(x[i]);
            } else if (x[i] <= -3) {
                x[i] = 0;
            } else {
                x[i] = x[i] >= 3 ? 1 : x[i] / 3 + 0.5;
            }
        }
    }

    /** A value where x is between the bounds and is neither, else 0. */
    private static void inside(double low, double high, double value, double[] x, int count) {
        if (value == 0) {
            Arrays.fill(x, 0, count, 0);
            return;
        }
        for (int i = 0; i < count; i++) {
            x[i] = x[i] > low && x[i] < high ? value : 0;
        }
    }
}
