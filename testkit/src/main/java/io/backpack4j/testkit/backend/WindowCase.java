// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.backend;

import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;

/**
 * A window and sizes that go with it.
 *
 * @param window the window
 * @param in the spatial axes that it slides over
 * @param out its positions
 */
record WindowCase(Window window, Shape in, Shape out) {

    /** One axis of a case. */
    private record Axis(long kernel, long stride, long padding, long dilation, long in, long out) {

        static Axis random(Random random, int largest) {
            long kernel = 1L + random.nextInt(3);
            long stride = 1L + random.nextInt(3);
            long padding = random.nextInt(3);
            long dilation = 1L + random.nextInt(2);
            long in = 1L + random.nextInt(largest);
            // one more position than fits: the last window may reach behind the end, or lie there
            long fitting = Math.floorDiv(in + 2 * padding - (kernel - 1) * dilation - 1, stride) + 1;
            long out = 1L + random.nextInt((int) Math.max(1, fitting + 1));
            return new Axis(kernel, stride, padding, dilation, in, out);
        }

        /** Windows side by side that leave no input out: of any size, reaching over both ends. */
        static Axis ofNeighbours(Random random, int largest) {
            long kernel = 1L + random.nextInt(4);
            long padding = random.nextInt(4);
            long in = 1L + random.nextInt(largest);
            long needed = Math.max(1, in + padding - kernel + 1);
            return new Axis(kernel, 1, padding, 1, in, needed + random.nextInt(3));
        }

        boolean alwaysMeets() {
            for (long t = 0; t < out; t++) {
                boolean meets = false;
                for (long k = 0; k < kernel; k++) {
                    long position = t * stride + k * dilation - padding;
                    meets |= 0 <= position && position < in;
                }
                if (!meets) {
                    return false;
                }
            }
            return true;
        }
    }

    /** Any window over so many axes: some of its positions may have no input at all. */
    static WindowCase random(Random random, int axes) {
        List<Axis> all = new ArrayList<>();
        for (int axis = 0; axis < axes; axis++) {
            all.add(Axis.random(random, 9 - 2 * axes));
        }
        return of(all);
    }

    /** A window that steps by one and reaches the last inputs, of different sizes along the axes. */
    static WindowCase ofNeighbours(Random random, int axes) {
        List<Axis> all = new ArrayList<>();
        for (int axis = 0; axis < axes; axis++) {
            all.add(Axis.ofNeighbours(random, 9 - 2 * axes));
        }
        return of(all);
    }

    /** A window that meets the input wherever it is. */
    static WindowCase meeting(Random random, int axes) {
        List<Axis> all = new ArrayList<>();
        while (all.size() < axes) {
            Axis axis = Axis.random(random, 9 - 2 * axes);
            if (axis.alwaysMeets()) {
                all.add(axis);
            }
        }
        return of(all);
    }

    private static WindowCase of(List<Axis> axes) {
        Window window = new Window(
                axes.stream().map(Axis::kernel).toList(),
                axes.stream().map(Axis::stride).toList(),
                axes.stream().map(Axis::padding).toList(),
                axes.stream().map(Axis::dilation).toList());
        return new WindowCase(
                window,
                Shape.of(axes.stream().mapToLong(Axis::in).toArray()),
                Shape.of(axes.stream().mapToLong(Axis::out).toArray()));
    }

    /** A window with the same sizes along every axis. */
    static WindowCase square(int axes, long kernel, long stride, long padding, long in) {
        long out = (in + 2 * padding - kernel) / stride + 1;
        List<Axis> all = new ArrayList<>();
        for (int axis = 0; axis < axes; axis++) {
            all.add(new Axis(kernel, stride, padding, 1, in, out));
        }
        return of(all);
    }

    /** {@code [samples, channels, *in]}. */
    Shape inputs(long samples, long channels) {
        return in.prepend(samples, channels);
    }

    /** {@code [samples, channels, *out]}. */
    Shape outputs(long samples, long channels) {
        return out.prepend(samples, channels);
    }

    /** {@code [outputs, channels, *kernel]}. */
    Shape weight(long outputs, long channels) {
        Shape shape = Shape.of(outputs, channels);
        for (long size : window.kernel()) {
            shape = shape.append(size);
        }
        return shape;
    }

    /** {@code *out}, as a list. */
    List<Long> outputSizes() {
        return list(out);
    }

    /** {@code *in}, as a list. */
    List<Long> inputSizes() {
        return list(in);
    }

    /** A window of one element that makes outputs of the inputs' sizes. */
    WindowCase pointwise() {
        return of(LongStream.of(in.toArray())
                .mapToObj(size -> new Axis(1, 1, 0, 1, size, size))
                .toList());
    }

    private static List<Long> list(Shape shape) {
        return LongStream.of(shape.toArray()).boxed().toList();
    }
}
