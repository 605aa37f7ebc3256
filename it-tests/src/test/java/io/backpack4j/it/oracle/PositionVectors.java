// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.oracle;

import io.backpack4j.kernel.NodeDescription;
import java.util.List;

/**
 * What a weight of a Linear node or a convolution is multiplied with at every position of the output, in loops over all
 * pairs of places.
 */
final class PositionVectors {

    private final NodeDescription node;
    private final boolean linear;
    private final boolean transposed;

    PositionVectors(NodeDescription node) {
        this.node = node;
        this.linear = node.type().equals("Linear");
        this.transposed = node.type().startsWith("ConvTranspose");
    }

    int groups() {
        return node.arguments().get("groups") instanceof Number groups ? groups.intValue() : 1;
    }

    /** The number of outputs at one position. */
    int outputs(int[] shape) {
        return shape[linear ? shape.length - 1 : 0];
    }

    /** Which output an element is. */
    int output(int[] shape, int element) {
        return linear ? element % outputs(shape) : element / (size(shape) / outputs(shape));
    }

    /** At which position an element is. */
    int position(int[] shape, int element) {
        return linear ? element / outputs(shape) : element % (size(shape) / outputs(shape));
    }

    /** One row per position, one column per channel of the group and element of the window. */
    double[][] of(Values input, int[] outputShape, int group) {
        double[] x = input.numbers();
        if (linear) {
            int length = input.shape()[input.shape().length - 1];
            double[][] rows = new double[x.length / length][length];
            for (int i = 0; i < x.length; i++) {
                rows[i / length][i % length] = x[i];
            }
            return rows;
        }
        int axes = outputShape.length - 1;
        int channels = input.shape()[0] / groups();
        int places = size(input.shape()) / input.shape()[0];
        int positions = size(outputShape) / outputShape[0];
        int[] kernel = new int[axes + 1];
        kernel[0] = 1;
        int elements = 1;
        for (int axis = 0; axis < axes; axis++) {
            kernel[axis + 1] = argument("kernel_size", axis, 1);
            elements *= kernel[axis + 1];
        }
        double[][] rows = new double[positions][channels * elements];
        for (int t = 0; t < positions; t++) {
            for (int k = 0; k < elements; k++) {
                for (int i = 0; i < places; i++) {
                    if (meet(coordinates(outputShape, t), coordinates(kernel, k), coordinates(input.shape(), i))) {
                        for (int c = 0; c < channels; c++) {
                            rows[t][c * elements + k] = x[(group * channels + c) * places + i];
                        }
                    }
                }
            }
        }
        return rows;
    }

    private boolean meet(int[] output, int[] k, int[] input) {
        for (int axis = 0; axis < k.length; axis++) {
            int base = (transposed ? input : output)[axis] * argument("stride", axis, 1)
                    + k[axis] * argument("dilation", axis, 1)
                    - argument("padding", axis, 0);
            if (base != (transposed ? output : input)[axis]) {
                return false;
            }
        }
        return true;
    }

    private int argument(String name, int axis, int otherwise) {
        Object value = node.arguments().get(name) instanceof List<?> list
                ? list.get(axis)
                : node.arguments().get(name);
        return value instanceof Number number ? number.intValue() : otherwise;
    }

    /** The spatial coordinates of a place. */
    private static int[] coordinates(int[] shape, int place) {
        int[] coordinates = new int[shape.length - 1];
        int rest = place;
        for (int axis = coordinates.length - 1; axis >= 0; axis--) {
            coordinates[axis] = rest % shape[axis + 1];
            rest /= shape[axis + 1];
        }
        return coordinates;
    }

    private static int size(int[] shape) {
        int size = 1;
        for (int length : shape) {
            size *= length;
        }
        return size;
    }
}
