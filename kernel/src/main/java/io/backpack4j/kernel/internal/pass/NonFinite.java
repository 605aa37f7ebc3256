// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.pass;

import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;

/**
 * Numbers of a tensor that are not finite.
 *
 * @param count how many
 * @param value the first of them
 * @param position where that is
 * @param samples the ids of the samples that have some, in the batch's order; empty if the tensor has no axis of
 *     samples
 */
public record NonFinite(long count, double value, String position, List<Long> samples) {

    private static final int RANGE = 1 << 14;
    private static final int SHOWN_SAMPLES = 8;

    /** Looks at a tensor without an axis of samples. Integers are finite. */
    public static Optional<NonFinite> in(Tensor tensor) {
        return in(tensor, -1, 0, new long[0]);
    }

    /**
     * Looks at a tensor.
     *
     * @param sampleAxis the axis of samples
     * @param fromSample the place of the tensor's first sample among the ids
     * @param ids the ids of all samples
     */
    public static Optional<NonFinite> in(Tensor tensor, int sampleAxis, long fromSample, long[] ids) {
        if (tensor.dtype() == DType.INT64) {
            return Optional.empty();
        }
        Shape shape = tensor.shape();
        long elements = shape.elements();
        long inner = sampleAxis < 0 ? 1 : shape.elements(sampleAxis + 1, shape.rank());
        double[] range = new double[(int) Math.min(RANGE, elements)];
        TreeSet<Long> samples = new TreeSet<>();
        long count = 0;
        double value = 0;
        long first = 0;
        for (long from = 0; from < elements; from += RANGE) {
            int length = (int) Math.min(RANGE, elements - from);
            tensor.read(from, range, 0, length);
            for (int i = 0; i < length; i++) {
                if (!Double.isFinite(range[i])) {
                    if (count++ == 0) {
                        value = range[i];
                        first = from + i;
                    }
                    if (sampleAxis >= 0) {
                        samples.add((from + i) / inner % shape.size(sampleAxis));
                    }
                }
            }
        }
        if (count == 0) {
            return Optional.empty();
        }
        List<Long> named = new ArrayList<>();
        samples.forEach(sample -> named.add(ids[(int) (fromSample + sample)]));
        return Optional.of(new NonFinite(count, value, position(shape, first), named));
    }

    private static String position(Shape shape, long element) {
        long[] position = new long[shape.rank()];
        long rest = element;
        for (int axis = shape.rank() - 1; axis >= 0; axis--) {
            position[axis] = rest % shape.size(axis);
            rest /= shape.size(axis);
        }
        return Arrays.toString(position);
    }

    /** {@code has 3 numbers that are not finite, the first NaN at [0, 2], in 2 samples (ids 4, 7)}. */
    public String described() {
        String numbers = count == 1
                ? "is %s at %s".formatted(value, position)
                : "has %d numbers that are not finite, the first %s at %s".formatted(count, value, position);
        if (samples.isEmpty()) {
            return numbers;
        }
        List<String> shown =
                samples.stream().limit(SHOWN_SAMPLES).map(String::valueOf).toList();
        return "%s, in %d sample(s) (ids %s%s)"
                .formatted(
                        numbers, samples.size(), String.join(", ", shown), samples.size() > SHOWN_SAMPLES ? ", …" : "");
    }
}
