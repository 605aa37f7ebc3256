// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

import java.util.Arrays;

/**
 * Convolutions from their definition, in plain loops over one sample. Independent of the code under test on purpose.
 *
 * @param in channels and sizes of the input
 * @param outChannels channels of the output
 */
record NaiveConvolution(
        int[] in,
        int outChannels,
        int[] kernel,
        int[] stride,
        int[] padding,
        int[] paddingBehind,
        int[] dilation,
        int[] outputPadding,
        int groups,
        boolean transposed) {

    /** Sees every triple of an output, an input and a weight that are multiplied. */
    private interface Term {
        void add(int output, int input, int weight);
    }

    /** Channels and sizes of the output; sizes below 1 if a window does not fit. */
    int[] out() {
        int[] out = new int[in.length];
        out[0] = outChannels;
        for (int axis = 0; axis < kernel.length; axis++) {
            int reach = dilation[axis] * (kernel[axis] - 1);
            if (transposed) {
                int last = (in[axis + 1] - 1) * stride[axis] + reach - padding[axis];
                out[axis + 1] = last + 1 - padding[axis] + outputPadding[axis];
            } else {
                int length = padding[axis] + in[axis + 1] + paddingBehind[axis];
                for (int start = 0; start + reach < length; start += stride[axis]) {
                    out[axis + 1]++;
                }
            }
        }
        return out;
    }

    int[] weightShape() {
        int[] shape = new int[kernel.length + 2];
        shape[0] = transposed ? in[0] : outChannels;
        shape[1] = (transposed ? outChannels : in[0]) / groups;
        System.arraycopy(kernel, 0, shape, 2, kernel.length);
        return shape;
    }

    static int product(int... sizes) {
        return Arrays.stream(sizes).reduce(1, (a, b) -> a * b);
    }

    double[] forward(double[] x, double[] weight, double[] bias) {
        double[] y = new double[product(out())];
        int positions = y.length / outChannels;
        for (int i = 0; i < y.length; i++) {
            y[i] = bias == null ? 0 : bias[i / positions];
        }
        terms((output, input, w) -> y[output] += weight[w] * x[input]);
        return y;
    }

    double[] inputGradient(double[] weight, double[] d) {
        double[] gradient = new double[product(in)];
        terms((output, input, w) -> gradient[input] += weight[w] * d[output]);
        return gradient;
    }

    double[] weightGradient(double[] x, double[] d) {
        double[] gradient = new double[product(weightShape())];
        terms((output, input, w) -> gradient[w] += x[input] * d[output]);
        return gradient;
    }

    double[] biasGradient(double[] d) {
        double[] gradient = new double[outChannels];
        for (int i = 0; i < d.length; i++) {
            gradient[i / (d.length / outChannels)] += d[i];
        }
        return gradient;
    }

    /** Goes over what slides (the output, or the input if transposed), the window, and the channels. */
    private void terms(Term term) {
        int[] out = out();
        int[] sliding = Arrays.copyOfRange(transposed ? in : out, 1, in.length);
        int[] other = Arrays.copyOfRange(transposed ? out : in, 1, in.length);
        int inPerGroup = in[0] / groups;
        int outPerGroup = outChannels / groups;
        for (int t = 0; t < product(sliding); t++) {
            for (int k = 0; k < product(kernel); k++) {
                int place = place(index(t, sliding), index(k, kernel), other);
                if (place >= 0) {
                    for (int c = 0; c < in[0]; c++) {
                        for (int o = 0; o < outPerGroup; o++) {
                            int group = c / inPerGroup;
                            int row = transposed ? c : group * outPerGroup + o;
                            int column = transposed ? o : c % inPerGroup;
                            int columns = transposed ? outPerGroup : inPerGroup;
                            int input = c * product(transposed ? sliding : other) + (transposed ? t : place);
                            int output = (group * outPerGroup + o) * product(transposed ? other : sliding)
                                    + (transposed ? place : t);
                            term.add(output, input, (row * columns + column) * product(kernel) + k);
                        }
                    }
                }
            }
        }
    }

    /** Where element k of the window at t lies, or -1. */
    private int place(int[] t, int[] k, int[] sizes) {
        int place = 0;
        for (int axis = 0; axis < kernel.length; axis++) {
            int position = t[axis] * stride[axis] + k[axis] * dilation[axis] - padding[axis];
            if (position < 0 || position >= sizes[axis]) {
                return -1;
            }
            place = place * sizes[axis] + position;
        }
        return place;
    }

    private static int[] index(int position, int[] sizes) {
        int[] index = new int[sizes.length];
        for (int axis = sizes.length - 1; axis >= 0; axis--) {
            index[axis] = position % sizes[axis];
            position /= sizes[axis];
        }
        return index;
    }
}
