// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.laplace;

import java.util.Arrays;
import java.util.Random;
import org.hipparchus.linear.Array2DRowRealMatrix;
import org.hipparchus.linear.EigenDecompositionSymmetric;
import org.hipparchus.linear.LUDecomposition;
import org.hipparchus.linear.MatrixUtils;
import org.hipparchus.linear.RealMatrix;

/**
 * f(x) = W₂ tanh(W₁ x + b₁) + b₂ and everything of its posterior in plain loops and dense matrices. Parameters stand in
 * the order W₁, b₁, W₂, b₂.
 */
final class DenseOracle {

    final int in;
    final int hidden;
    final int out;
    final boolean classes;
    final double[] parameters;

    DenseOracle(int in, int hidden, int out, boolean classes, Random random) {
        this.in = in;
        this.hidden = hidden;
        this.out = out;
        this.classes = classes;
        this.parameters =
                random.doubles((in + 1) * hidden + (hidden + 1) * out, -1, 1).toArray();
    }

    double[] parameter(int index) {
        int[] starts = starts();
        return Arrays.copyOfRange(parameters, starts[index], starts[index + 1]);
    }

    int[] starts() {
        int first = in * hidden;
        int second = first + hidden;
        int third = second + hidden * out;
        return new int[] {0, first, second, third, third + out};
    }

    private double[] hidden(double[] x) {
        double[] h = new double[hidden];
        for (int i = 0; i < hidden; i++) {
            double sum = parameters[in * hidden + i];
            for (int k = 0; k < in; k++) {
                sum += parameters[i * in + k] * x[k];
            }
            h[i] = Math.tanh(sum);
        }
        return h;
    }

    double[] output(double[] x) {
        double[] h = hidden(x);
        double[] f = parameter(3);
        for (int c = 0; c < out; c++) {
            for (int i = 0; i < hidden; i++) {
                f[c] += parameters[starts()[2] + c * hidden + i] * h[i];
            }
        }
        return f;
    }

    /** ∂f_c/∂(W₁x + b₁)_i, {@code [C, hidden]}. */
    private double[][] pulledBack(double[] x) {
        double[] h = hidden(x);
        double[][] back = new double[out][hidden];
        for (int c = 0; c < out; c++) {
            for (int i = 0; i < hidden; i++) {
                back[c][i] = parameters[starts()[2] + c * hidden + i] * (1 - h[i] * h[i]);
            }
        }
        return back;
    }

    RealMatrix jacobian(double[] x) {
        double[] h = hidden(x);
        double[][] back = pulledBack(x);
        int[] starts = starts();
        RealMatrix jacobian = new Array2DRowRealMatrix(out, parameters.length);
        for (int c = 0; c < out; c++) {
            for (int i = 0; i < hidden; i++) {
                for (int k = 0; k < in; k++) {
                    jacobian.setEntry(c, i * in + k, back[c][i] * x[k]);
                }
                jacobian.setEntry(c, starts[1] + i, back[c][i]);
                jacobian.setEntry(c, starts[2] + c * hidden + i, h[i]);
            }
            jacobian.setEntry(c, starts[3] + c, 1);
        }
        return jacobian;
    }

    /** Of the loss by the output. */
    RealMatrix lossHessian(double[] x) {
        RealMatrix hessian = new Array2DRowRealMatrix(out, out);
        double[] p = softmax(output(x));
        for (int c = 0; c < out; c++) {
            for (int d = 0; d < out; d++) {
                double entry = classes ? (c == d ? p[c] : 0) - p[c] * p[d] : c == d ? 2 : 0;
                hessian.setEntry(c, d, entry);
            }
        }
        return hessian;
    }

    static double[] softmax(double[] f) {
        double sum = Arrays.stream(f).map(Math::exp).sum();
        return Arrays.stream(f).map(value -> Math.exp(value) / sum).toArray();
    }

    double loss(double[] x, double[] target) {
        double[] f = output(x);
        if (classes) {
            return -Math.log(softmax(f)[(int) target[0]]);
        }
        double sum = 0;
        for (int c = 0; c < out; c++) {
            sum += (f[c] - target[c]) * (f[c] - target[c]);
        }
        return sum;
    }

    /** The curvature of the summed loss, in the form of a structure. */
    RealMatrix curvature(double[][] inputs, Structure structure) {
        int size = parameters.length;
        RealMatrix full = new Array2DRowRealMatrix(size, size);
        for (double[] x : inputs) {
            RealMatrix j = jacobian(x);
            full = full.add(j.transpose().multiply(lossHessian(x)).multiply(j));
        }
        if (structure == Structure.DIAG) {
            double[] diagonal = new double[size];
            for (int i = 0; i < size; i++) {
                diagonal[i] = full.getEntry(i, i);
            }
            return MatrixUtils.createRealDiagonalMatrix(diagonal);
        }
        return structure == Structure.KRON ? kronecker(inputs, full) : full;
    }

    private RealMatrix kronecker(double[][] inputs, RealMatrix full) {
        int[] starts = starts();
        RealMatrix result = new Array2DRowRealMatrix(parameters.length, parameters.length);
        for (int bias : new int[] {1, 3}) {
            int size = starts[bias + 1] - starts[bias];
            RealMatrix g = full.getSubMatrix(starts[bias], starts[bias + 1] - 1, starts[bias], starts[bias + 1] - 1);
            result.setSubMatrix(g.getData(), starts[bias], starts[bias]);
            int width = bias == 1 ? in : hidden;
            RealMatrix a = new Array2DRowRealMatrix(width, width);
            for (double[] x : inputs) {
                double[] input = bias == 1 ? x : hidden(x);
                RealMatrix column = new Array2DRowRealMatrix(input);
                a = a.add(column.multiply(column.transpose()).scalarMultiply(1.0 / inputs.length));
            }
            for (int i = 0; i < size * width; i++) {
                for (int k = 0; k < size * width; k++) {
                    result.setEntry(
                            starts[bias - 1] + i,
                            starts[bias - 1] + k,
                            g.getEntry(i / width, k / width) * a.getEntry(i % width, k % width));
                }
            }
        }
        return result;
    }

    /** Rows and columns of the parameters from some position on. */
    static RealMatrix from(RealMatrix square, int start) {
        int last = square.getColumnDimension() - 1;
        return square.getSubMatrix(start, last, start, last);
    }

    static RealMatrix plus(RealMatrix square, double diagonal) {
        return square.add(
                MatrixUtils.createRealIdentityMatrix(square.getRowDimension()).scalarMultiply(diagonal));
    }

    static double[] eigenvalues(RealMatrix square) {
        double[] values =
                new EigenDecompositionSymmetric(square).getEigenvalues().clone();
        Arrays.sort(values);
        return values;
    }

    static RealMatrix inverse(RealMatrix square) {
        return new LUDecomposition(square).getSolver().getInverse();
    }
}
