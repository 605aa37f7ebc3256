// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.backend.cpu.memory.Scratch;
import io.backpack4j.spi.backend.Activation;
import io.backpack4j.spi.backend.NormalTail;

/**
 * f(x) = x g(x), with a gate g that goes from 0 to 1: f' = g + x g', f'' = 2 g' + x g''. Gates keep their digits where
 * they are small. Loops write one array each and choose by multiplying: such loops the compiler makes vector
 * instructions of. One object per thread.
 */
final class GateLoops {

    private static final double DENSITY = 1 / Math.sqrt(2 * Math.PI);

    /** Where x is not above its reciprocal, it does not matter on which side of 0 x is. */
    private static final double STEEP = 1e300;

    private static final ThreadLocal<GateLoops> OF_THREAD = ThreadLocal.withInitial(GateLoops::new);

    private final double[] near = new double[Scratch.CHUNK];
    private final double[] side = new double[Scratch.CHUNK];
    private final double[] decay = new double[Scratch.CHUNK];
    private final double[] gate = new double[Scratch.CHUNK];
    private final double[] slope = new double[Scratch.CHUNK];
    private final double[] work = new double[Scratch.CHUNK];

    private GateLoops() {}

    /** x = f(x), or a derivative of it, of as many elements as a chunk has at most. */
    static void apply(Activation.Kind kind, int order, double[] x, int count) {
        GateLoops loops = OF_THREAD.get();
        side(x, loops.side, count);
        switch (kind) {
            case GELU -> loops.normal(order, x, count);
            case GELU_TANH -> loops.cubic(order, x, count);
            case SILU -> loops.logistic(order, x, count);
            default -> loops.mish(order, x, count);
        }
    }

    /** 1 where x is positive and 0 where it is not. */
    private static void side(double[] x, double[] side, int count) {
        for (int i = 0; i < count; i++) {
            side[i] = Math.max(0, Math.min(1, x[i] * STEEP));
        }
    }

    /** With the tail T(a) = 1 − Φ(a) of a = |x|, f = max(x, 0) − a T(a), f' = 1 − q or q with q = T(a) − a φ(a). */
    private void normal(int order, double[] x, int count) {
        for (int i = 0; i < count; i++) {
            near[i] = Math.min(Math.abs(x[i]), Activation.GELU_RANGE);
        }
        for (int i = 0; i < count; i++) {
            slope[i] = -0.5 * near[i] * near[i];
        }
        VectorLoops.exp(slope, work, decay, count);
        if (order == 2) {
            for (int i = 0; i < count; i++) {
                x[i] = decay[i] * DENSITY * (2 - near[i] * near[i]);
            }
            return;
        }
        for (int i = 0; i < count; i++) {
            work[i] = (near[i] - NormalTail.CENTRE) / (near[i] + NormalTail.CENTRE);
        }
        VectorLoops.polynomial(NormalTail.COEFFICIENTS, work, gate, count);
        for (int i = 0; i < count; i++) {
            gate[i] = gate[i] / (1 + NormalTail.SLOPE * near[i]) * decay[i];
        }
        if (order == 0) {
            for (int i = 0; i < count; i++) {
                x[i] = Math.max(x[i], 0) - near[i] * gate[i];
            }
            return;
        }
        for (int i = 0; i < count; i++) {
            gate[i] = gate[i] - near[i] * (decay[i] * DENSITY);
        }
        for (int i = 0; i < count; i++) {
            x[i] = side[i] + gate[i] * (1 - 2 * side[i]);
        }
    }

    /** σ(w) with w = s (x + c x³), w' = s (1 + 3 c x²) and w'' = 6 s c x. */
    private void cubic(int order, double[] x, int count) {
        double scale = Activation.GELU_TANH_SCALE;
        double cubic = Activation.GELU_TANH_CUBIC;
        for (int i = 0; i < count; i++) {
            near[i] = Math.max(-Activation.GELU_RANGE, Math.min(Activation.GELU_RANGE, x[i]));
        }
        for (int i = 0; i < count; i++) {
            work[i] = scale * near[i] * (1 + cubic * (near[i] * near[i]));
        }
        sigmoid(work, count);
        if (order == 0) {
            multiply(x, gate, count);
            return;
        }
        for (int i = 0; i < count; i++) {
            work[i] = scale * (1 + 3 * cubic * (near[i] * near[i]));
        }
        if (order == 1) {
            for (int i = 0; i < count; i++) {
                x[i] = gate[i] + x[i] * (slope[i] * work[i]);
            }
            return;
        }
        for (int i = 0; i < count; i++) {
            decay[i] = 6 * scale * cubic * near[i] - tanhOfHalf(side[i], decay[i]) * work[i] * work[i];
        }
        for (int i = 0; i < count; i++) {
            x[i] = slope[i] * (2 * work[i] + near[i] * decay[i]);
        }
    }

    /** σ(x). */
    private void logistic(int order, double[] x, int count) {
        System.arraycopy(x, 0, work, 0, count);
        sigmoid(work, count);
        switch (order) {
            case 0 -> multiply(x, gate, count);
            case 1 -> {
                for (int i = 0; i < count; i++) {
                    x[i] = gate[i] + x[i] * slope[i];
                }
            }
            default -> {
                for (int i = 0; i < count; i++) {
                    x[i] = slope[i] * (2 - x[i] * tanhOfHalf(side[i], decay[i]));
                }
            }
        }
    }

    /**
     * The decay exp(−|w|), the gate σ(w) and its slope σ'(w), w having the signs of the sides.
     *
     * @param w lost
     */
    private void sigmoid(double[] w, int count) {
        for (int i = 0; i < count; i++) {
            slope[i] = -Math.abs(w[i]);
        }
        VectorLoops.exp(slope, w, decay, count);
        for (int i = 0; i < count; i++) {
            gate[i] = (side[i] + (1 - side[i]) * decay[i]) / (1 + decay[i]);
        }
        for (int i = 0; i < count; i++) {
            slope[i] = decay[i] / ((1 + decay[i]) * (1 + decay[i]));
        }
    }

    /** tanh(w/2), but for digits next to 0. */
    private static double tanhOfHalf(double side, double decay) {
        return (2 * side - 1) * ((1 - decay) / (1 + decay));
    }

    /**
     * t = tanh(log(1 + exp(x))), with e = exp(−|x|). With d = e² + 2e + 2 where x ≤ 0, t = (e² + 2e) / d, t' = 4 (e² +
     * e) / d² and t'' = 4 e (2 + 2e − 3e² − 2e³) / d³; with d = 1 + 2e + 2e² elsewhere, (1 + 2e) / d, 4 (e² + e³) / d²
     * and 4 e² (2e³ + 2e² − 3e − 2) / d³.
     */
    private void mish(int order, double[] x, int count) {
        for (int i = 0; i < count; i++) {
            slope[i] = -Math.abs(x[i]);
        }
        VectorLoops.exp(slope, work, decay, count);
        for (int i = 0; i < count; i++) {
            double e = decay[i];
            work[i] = side[i] * (1 + e * (2 + 2 * e)) + (1 - side[i]) * (2 + e * (2 + e));
        }
        for (int i = 0; i < count; i++) {
            double e = decay[i];
            gate[i] = (side[i] * (1 + 2 * e) + (1 - side[i]) * (e * (2 + e))) / work[i];
        }
        if (order == 0) {
            multiply(x, gate, count);
            return;
        }
        for (int i = 0; i < count; i++) {
            double e = decay[i];
            slope[i] = 4 * e * (1 + e) * (side[i] * e + (1 - side[i])) / (work[i] * work[i]);
        }
        if (order == 1) {
            for (int i = 0; i < count; i++) {
                x[i] = gate[i] + x[i] * slope[i];
            }
            return;
        }
        for (int i = 0; i < count; i++) {
            double e = decay[i];
            double bend =
                    side[i] * (e * (e * (2 * e * (e + 1) - 3) - 2)) + (1 - side[i]) * (2 + e * (2 - e * (3 + 2 * e)));
            gate[i] = 4 * e * bend / (work[i] * work[i] * work[i]);
        }
        for (int i = 0; i < count; i++) {
            x[i] = 2 * slope[i] + x[i] * gate[i];
        }
    }

    private static void multiply(double[] x, double[] factor, int count) {
        for (int i = 0; i < count; i++) {
            x[i] = x[i] * factor[i];
        }
    }
}
