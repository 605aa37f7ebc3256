// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import static org.assertj.core.api.Assertions.fail;

import io.backpack4j.backend.cpu.Numbers;
import io.backpack4j.backend.cpu.Variant;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** Gram matrices of inputs under windows beside those of the definition, in double precision. */
final class GramTrials {

    private static final Variant SINGLE = new Variant("onednn", DType.FLOAT32);

    private GramTrials() {}

    /** Adds a Gram matrix times one half to the destination, or writes it there. */
    interface Work {
        void run(Backend backend, TensorScope scope, Numbers x, boolean accumulate, Tensor destination);
    }

    /** As many windows as fit, with the padding on both sides. */
    static List<Long> outputs(Window window, Shape shape) {
        List<Long> outputs = new ArrayList<>();
        for (int axis = 0; axis < window.axes(); axis++) {
            long reach = shape.size(axis + 2) + 2 * window.padding().get(axis) - window.reach(axis);
            outputs.add(reach / window.stride().get(axis) + 1);
        }
        return outputs;
    }

    static WindowSizes sizes(Window window, Shape shape, List<Long> outputs) {
        Shape out = Shape.of(shape.size(0), 1);
        for (long size : outputs) {
            out = out.append(size);
        }
        return WindowSizes.of(window, shape.size(0), shape, out);
    }

    /** Random inputs; the matrix is added to ones, and written over them. */
    static void check(Window window, Shape shape, List<Long> outputs, String what) {
        check(window, Numbers.random(Variant.random(what.hashCode()), SINGLE, shape), outputs, what);
    }

    /** The same of given inputs. */
    static void check(Window window, Numbers x, List<Long> outputs, String what) {
        check(
                window,
                x,
                outputs,
                what,
                (backend, scope, inputs, accumulate, destination) -> backend.convolutions()
                        .inputGram(window, inputs.on(scope, SINGLE), outputs, false, 0.5, accumulate, destination));
    }

    /** The same by other work. An entry may be off by a part of what the diagonal allows for it. */
    static void check(Window window, Numbers x, List<Long> outputs, String what, Work work) {
        Shape shape = x.shape();
        int length = (int) (shape.size(1) * window.elements());
        double[] expected = expected(window, x, outputs, 0.5);
        double[] lengths = IntStream.range(0, length)
                .mapToDouble(i -> Math.sqrt(expected[i * length + i]))
                .toArray();
        try (Backend backend = SINGLE.open();
                TensorScope scope = backend.openScope()) {
            for (boolean accumulate : new boolean[] {true, false}) {
                double before = accumulate ? 1 : 0;
                Tensor destination =
                        Numbers.filled(Shape.of(1, length, length), 1).on(scope, SINGLE);
                work.run(backend, scope, x, accumulate, destination);
                double[] found = destination.toDoubleArray();
                for (int i = 0; i < found.length; i++) {
                    double sum = found[i] - before;
                    if (!(Math.abs(sum - expected[i])
                            <= 3e-6 * Math.max(1, lengths[i / length] * lengths[i % length]))) {
                        fail(
                                "%s, accumulate %s, %s of %s, seed %d, at (%d, %d): %s, not %s",
                                what,
                                accumulate,
                                window,
                                shape,
                                Variant.seed(),
                                i / length,
                                i % length,
                                sum,
                                expected[i]);
                    }
                }
            }
        }
    }

    private static double[] expected(Window window, Numbers x, List<Long> outputs, double scale) {
        int channels = (int) x.shape().size(1);
        int elements = (int) window.elements();
        int length = channels * elements;
        double[] sums = new double[length * length];
        Shape spatial = window.spatial(x.shape());
        long positions = outputs.stream().reduce(1L, (a, b) -> a * b);
        int plane = (int) spatial.elements();
        double[] unfolded = new double[length];
        for (int n = 0; n < x.shape().size(0); n++) {
            for (long t = 0; t < positions; t++) {
                for (int k = 0; k < elements; k++) {
                    long place = place(window, spatial, outputs, t, k);
                    for (int c = 0; c < channels; c++) {
                        unfolded[c * elements + k] =
                                place < 0 ? 0 : x.values()[(n * channels + c) * plane + (int) place];
                    }
                }
                for (int i = 0; i < length; i++) {
                    for (int j = 0; j < length && unfolded[i] != 0; j++) {
                        sums[i * length + j] += scale * unfolded[i] * unfolded[j];
                    }
                }
            }
        }
        return sums;
    }

    private static long place(Window window, Shape spatial, List<Long> outputs, long t, long k) {
        long place = 0;
        long below = 1;
        for (int axis = window.axes() - 1; axis >= 0; axis--) {
            long element = k % window.kernel().get(axis);
            long at = t % outputs.get(axis) * window.stride().get(axis)
                    + element * window.dilation().get(axis)
                    - window.padding().get(axis);
            if (at < 0 || at >= spatial.size(axis)) {
                return -1;
            }
            t /= outputs.get(axis);
            k /= window.kernel().get(axis);
            place += at * below;
            below *= spatial.size(axis);
        }
        return place;
    }
}
