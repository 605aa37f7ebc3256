// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.Shape;
import java.util.Arrays;

/**
 * The places that windows cover. All axes before the last are joined: a window covers some rows of a plane, and the
 * same columns of each.
 *
 * @param rows per output row, the input rows in ascending order
 * @param columns per output position of the last axis, the input positions in ascending order
 */
record WindowedPlaces(int[][] rows, int[][] columns) {

    /** The places under a window that slides from {@code in} to {@code out}. */
    static WindowedPlaces of(Window window, Shape in, Shape out) {
        return joined(in, out, (axis, output) -> {
            int size = Math.toIntExact(in.size(axis));
            long start = output * window.stride().get(axis) - window.padding().get(axis);
            long step = window.dilation().get(axis);
            int count = 0;
            int[] places = new int[Math.toIntExact(window.kernel().get(axis))];
            for (int k = 0; k < places.length; k++) {
                long place = start + k * step;
                if (place >= 0 && place < size) {
                    places[count++] = (int) place;
                }
            }
            return Arrays.copyOf(places, count);
        });
    }

    /** The places under windows that divide {@code in} into {@code out} parts, which overlap where they must. */
    static WindowedPlaces adaptive(Shape in, Shape out) {
        return joined(in, out, (axis, output) -> {
            long from = output * in.size(axis) / out.size(axis);
            long to = ((output + 1) * in.size(axis) + out.size(axis) - 1) / out.size(axis);
            int[] places = new int[Math.toIntExact(to - from)];
            Arrays.setAll(places, i -> (int) from + i);
            return places;
        });
    }

    /** The places of one axis under the window at an output position. */
    private interface Axis {
        int[] places(int axis, long output);
    }

    private static WindowedPlaces joined(Shape in, Shape out, Axis places) {
        int last = in.rank() - 1;
        int[][] rows = {{0}};
        for (int axis = 0; axis < last; axis++) {
            rows = product(rows, all(axis, out, places), Math.toIntExact(in.size(axis)));
        }
        return new WindowedPlaces(rows, all(last, out, places));
    }

    private static int[][] all(int axis, Shape out, Axis places) {
        int[][] all = new int[Math.toIntExact(out.size(axis))][];
        Arrays.setAll(all, output -> places.places(axis, output));
        return all;
    }

    /** One more axis behind those that rows consist of. */
    private static int[][] product(int[][] rows, int[][] next, int size) {
        int[][] joined = new int[rows.length * next.length][];
        for (int i = 0; i < joined.length; i++) {
            int[] outer = rows[i / next.length];
            int[] inner = next[i % next.length];
            int[] places = new int[outer.length * inner.length];
            Arrays.setAll(places, j -> outer[j / inner.length] * size + inner[j % inner.length]);
            joined[i] = places;
        }
        return joined;
    }
}
