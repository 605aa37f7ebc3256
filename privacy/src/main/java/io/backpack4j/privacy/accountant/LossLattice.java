// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.privacy.accountant;

import java.util.List;

/**
 * The losses of many steps on equally spaced points, added up by Fourier transforms. Point i stands for {@code shift +
 * i · width} where i is below half of the size, and for as much less {@code size · width} otherwise.
 */
final class LossLattice {

    private final double width;
    private final double shift;
    private final double[] probabilities;

    private LossLattice(double width, double shift, double[] probabilities) {
        this.width = width;
        this.shift = shift;
        this.probabilities = probabilities;
    }

    /**
     * Composes.
     *
     * @param removed which of the two data sets the sample is in
     * @param width between points
     * @param size how many there are: a power of two
     */
    static LossLattice of(List<Mechanism> history, boolean removed, double width, int size) {
        double[][] product = {new double[size], new double[size]};
        FourierTransform transform = new FourierTransform(size);
        double shift = 0;
        boolean first = true;
        for (Mechanism mechanism : history) {
            PrivacyLoss loss = new PrivacyLoss(mechanism, removed);
            double[] own = discretized(loss, width, size);
            double mean = 0;
            for (int i = 0; i < size; i++) {
                mean += own[i] * place(i, size) * width;
            }
            shift += mechanism.steps() * (loss.mean(size / 2 * width) - mean);
            double[][] spectrum = {own, new double[size]};
            transform.forward(spectrum[0], spectrum[1]);
            multiply(product, spectrum, mechanism.steps(), first);
            first = false;
        }
        transform.backward(product[0], product[1]);
        return new LossLattice(width, shift, product[0]);
    }

    private static int place(int i, int size) {
        return i < size / 2 ? i : i - size;
    }

    /** Probabilities of the cells round the points, scaled to be one together. */
    private static double[] discretized(PrivacyLoss loss, double width, int size) {
        double[] cells = new double[size];
        double total = 0;
        for (int i = 0; i < size; i++) {
            double middle = place(i, size) * width;
            double left = middle - width / 2;
            double right = middle + width / 2;
            // Differences of what is small on its side lose no digits.
            cells[i] = middle > 0 ? loss.above(left) - loss.above(right) : loss.atMost(right) - loss.atMost(left);
            total += cells[i];
        }
        for (int i = 0; i < size; i++) {
            cells[i] /= total;
        }
        return cells;
    }

    /** product ⊙= spectrum^power, or = at first. */
    private static void multiply(double[][] product, double[][] spectrum, long power, boolean first) {
        double[] real = product[0];
        double[] imaginary = product[1];
        for (int k = 0; k < real.length; k++) {
            double magnitude = Math.pow(Math.hypot(spectrum[0][k], spectrum[1][k]), power);
            double angle = Math.atan2(spectrum[1][k], spectrum[0][k]) * power;
            double a = magnitude * Math.cos(angle);
            double b = magnitude * Math.sin(angle);
            double oldReal = first ? 1 : real[k];
            double oldImaginary = first ? 0 : imaginary[k];
            real[k] = oldReal * a - oldImaginary * b;
            imaginary[k] = oldReal * b + oldImaginary * a;
        }
    }

    /**
     * The ε at which δ(ε) = Σ_{t > ε} p(t) (1 − e^{ε − t}) is {@code delta}; 0 if it is below even there.
     */
    double epsilon(double delta) {
        double tail = 0;
        double weighted = 0;
        for (int i = probabilities.length / 2 - 1; i >= 0; i--) {
            double loss = i * width + shift;
            if (loss <= 0) {
                break;
            }
            if (tail - Math.exp(loss) * weighted > delta) {
                return Math.max(0, Math.log((tail - delta) / weighted));
            }
            tail += probabilities[i];
            weighted += probabilities[i] * Math.exp(-loss);
        }
        double atZero = tail - weighted;
        return atZero > delta ? Math.max(0, Math.log((tail - delta) / weighted)) : 0;
    }
}
