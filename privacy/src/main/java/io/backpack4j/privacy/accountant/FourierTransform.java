// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.privacy.accountant;

/**
 * Discrete Fourier transforms of a power of two, with factors that are exact to the last bits: spectra are raised to
 * the power of thousands of steps, which multiplies their relative errors as much. Transforms that make their factors
 * by recurrences, as those of libraries at hand do, lose ε's second digit that way.
 */
final class FourierTransform {

    private final int size;
    private final double[] cosines;
    private final double[] sines;

    FourierTransform(int size) {
        this.size = size;
        this.cosines = new double[size / 2];
        this.sines = new double[size / 2];
        for (int k = 0; k < size / 2; k++) {
            cosines[k] = Math.cos(2 * Math.PI * k / size);
            sines[k] = -Math.sin(2 * Math.PI * k / size);
        }
    }

    /** In place: X_k = Σ_j x_j e^{−2πi jk/size}. */
    void forward(double[] real, double[] imaginary) {
        reorder(real, imaginary);
        for (int half = 1; half < size; half *= 2) {
            int stride = size / (2 * half);
            for (int start = 0; start < size; start += 2 * half) {
                for (int k = 0; k < half; k++) {
                    double c = cosines[k * stride];
                    double s = sines[k * stride];
                    int a = start + k;
                    int b = a + half;
                    double re = real[b] * c - imaginary[b] * s;
                    double im = real[b] * s + imaginary[b] * c;
                    real[b] = real[a] - re;
                    imaginary[b] = imaginary[a] - im;
                    real[a] += re;
                    imaginary[a] += im;
                }
            }
        }
    }

    /** In place: x_j = Σ_k X_k e^{2πi jk/size} / size. */
    void backward(double[] real, double[] imaginary) {
        // Exchanging real and imaginary parts before and after conjugates the transform.
        forward(imaginary, real);
        for (int i = 0; i < size; i++) {
            real[i] /= size;
            imaginary[i] /= size;
        }
    }

    private void reorder(double[] real, double[] imaginary) {
        int shift = Integer.numberOfLeadingZeros(size) + 1;
        for (int i = 1; i < size - 1; i++) {
            int j = Integer.reverse(i) >>> shift;
            if (j > i) {
                swap(real, i, j);
                swap(imaginary, i, j);
            }
        }
    }

    private static void swap(double[] values, int i, int j) {
        double kept = values[i];
        values[i] = values[j];
        values[j] = kept;
    }
}
