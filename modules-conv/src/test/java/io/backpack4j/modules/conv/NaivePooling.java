// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * Pooling from its definition, in plain loops over three axes, of which the first ones may be trivial. Two channels,
 * three samples.
 */
record NaivePooling(
        List<Integer> in, List<Integer> kernel, List<Integer> stride, List<Integer> padding, List<Integer> dilation) {

    private static final int PLANES = 6;

    static NaivePooling draw(Random random, int axes, boolean dilated) {
        List<Integer> in = new ArrayList<>();
        List<Integer> kernel = new ArrayList<>();
        List<Integer> stride = new ArrayList<>();
        List<Integer> padding = new ArrayList<>();
        List<Integer> dilation = new ArrayList<>();
        for (int axis = 0; axis < axes; axis++) {
            in.add(1 + random.nextInt(axes == 1 ? 10 : 6));
            kernel.add(1 + random.nextInt(4));
            stride.add(1 + random.nextInt(4));
            padding.add(random.nextInt(kernel.get(axis) / 2 + 1));
            dilation.add(dilated ? 1 + random.nextInt(2) : 1);
        }
        return new NaivePooling(in, kernel, stride, padding, dilation);
    }

    /** An entry of an axis, counted so that there are three. */
    private int at(List<Integer> values, int axis, int otherwise) {
        int own = axis - (3 - values.size());
        return own < 0 ? otherwise : values.get(own);
    }

    private int in(int axis) {
        return at(in, axis, 1);
    }

    private int start(int axis, int t) {
        return t * at(stride, axis, 1) - at(padding, axis, 0);
    }

    private int outputs(int axis, boolean ceilMode) {
        int step = at(stride, axis, 1);
        int behind = in(axis) + at(padding, axis, 0);
        int reach = (at(kernel, axis, 1) - 1) * at(dilation, axis, 1) + 1;
        int count = 0;
        while (ceilMode
                ? start(axis, count) + reach - step < behind && count * step < behind
                : start(axis, count) + reach <= behind) {
            count++;
        }
        return count;
    }

    private List<Integer> seen(int axis, int t) {
        List<Integer> seen = new ArrayList<>();
        for (int k = 0; k < at(kernel, axis, 1); k++) {
            int position = start(axis, t) + k * at(dilation, axis, 1);
            if (position >= 0 && position < in(axis)) {
                seen.add(position);
            }
        }
        return seen;
    }

    /** Whether there are windows, and all see an input. */
    boolean isPossible(boolean ceilMode) {
        for (int axis = 0; axis < 3; axis++) {
            if (outputs(axis, ceilMode) == 0) {
                return false;
            }
            for (int t = 0; t < outputs(axis, ceilMode); t++) {
                if (seen(axis, t).isEmpty()) {
                    return false;
                }
            }
        }
        return true;
    }

    private interface Pool {
        double of(List<Double> values, int[] t);
    }

    double[] maxima(double[] x, boolean ceilMode) {
        return pool(
                x,
                ceilMode,
                (values, t) -> values.stream().mapToDouble(it -> it).max().orElseThrow());
    }

    double[] averages(double[] x, boolean ceilMode, boolean includePad, int override) {
        return pool(x, ceilMode, (values, t) -> {
            int size = 1;
            for (int axis = 0; axis < 3; axis++) {
                int end = Math.min(start(axis, t[axis]) + at(kernel, axis, 1), in(axis) + at(padding, axis, 0));
                size *= end - start(axis, t[axis]);
            }
            int divisor = override > 0 ? override : includePad ? size : values.size();
            return values.stream().mapToDouble(it -> it).sum() / divisor;
        });
    }

    private double[] pool(double[] x, boolean ceilMode, Pool pool) {
        List<Double> pooled = new ArrayList<>();
        for (int plane = 0; plane < PLANES; plane++) {
            for (int a = 0; a < outputs(0, ceilMode); a++) {
                for (int b = 0; b < outputs(1, ceilMode); b++) {
                    for (int c = 0; c < outputs(2, ceilMode); c++) {
                        pooled.add(pool.of(values(x, plane, a, b, c), new int[] {a, b, c}));
                    }
                }
            }
        }
        return pooled.stream().mapToDouble(it -> it).toArray();
    }

    private List<Double> values(double[] x, int plane, int a, int b, int c) {
        List<Double> values = new ArrayList<>();
        for (int depth : seen(0, a)) {
            for (int row : seen(1, b)) {
                for (int column : seen(2, c)) {
                    values.add(x[((plane * in(0) + depth) * in(1) + row) * in(2) + column]);
                }
            }
        }
        return values;
    }
}
