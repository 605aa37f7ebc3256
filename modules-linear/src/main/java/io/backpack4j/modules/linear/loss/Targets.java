// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear.loss;

import io.backpack4j.modules.linear.LinearProblems;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.function.DoublePredicate;
import java.util.stream.IntStream;

/** What losses check of their targets. */
final class Targets {

    private static final int CHUNK = 1 << 14;

    private Targets() {}

    static void batched(Loss loss, Shape output, int axes, String expected) {
        if (output.rank() < axes) {
            throw new BackpackException(
                    CommonProblems.SHAPE_MISMATCH,
                    "%s needs an output of shape %s, but the network's is %s."
                            .formatted(loss.type(), expected, output));
        }
    }

    static void shaped(Loss loss, Shape output, Shape targets, Shape expected) {
        if (!targets.equals(expected)) {
            throw new BackpackException(
                    CommonProblems.SHAPE_MISMATCH,
                    "%s needs targets of shape %s for an output of shape %s, but they have shape %s."
                            .formatted(loss.type(), expected, output, targets));
        }
    }

    static void typed(Loss loss, boolean fits, String expected, DType type) {
        if (!fits) {
            throw new BackpackException(
                    CommonProblems.TYPE_MISMATCH,
                    "%s needs targets that are %s, but they are %s.".formatted(loss.type(), expected, type));
        }
    }

    /** Checks real targets of the output's shape. */
    static void elements(Loss loss, Shape output, Shape targets, DType targetType) {
        batched(loss, output, 1, "[N, *]");
        shaped(loss, output, targets, output);
        typed(loss, targetType.isFloating(), "real numbers", targetType);
    }

    /** All axes but the last, at which a network's last linear map acts. Any choice would do for a loss of elements. */
    static List<Integer> positionAxes(Shape output) {
        return IntStream.range(0, output.rank() - 2).boxed().toList();
    }

    /** Checks floating targets element by element. */
    static void values(Loss loss, Tensor targets, DoublePredicate valid, String expected) {
        long elements = targets.shape().elements();
        double[] chunk = new double[(int) Math.min(CHUNK, elements)];
        for (long from = 0; from < elements; from += CHUNK) {
            int count = (int) Math.min(CHUNK, elements - from);
            targets.read(from, chunk, 0, count);
            for (int i = 0; i < count; i++) {
                if (!valid.test(chunk[i])) {
                    throw invalid(loss, targets.shape(), from + i, String.valueOf(chunk[i]), expected);
                }
            }
        }
    }

    /** Checks class indices, of which one value is ignored. */
    static void classes(Loss loss, Tensor targets, long classes, long ignored) {
        long elements = targets.shape().elements();
        long[] chunk = new long[(int) Math.min(CHUNK, elements)];
        for (long from = 0; from < elements; from += CHUNK) {
            int count = (int) Math.min(CHUNK, elements - from);
            targets.read(from, chunk, 0, count);
            int other = firstOther(chunk, count, classes, ignored);
            if (other < count) {
                String expected =
                        "a class from 0 to %d, as the network's output has %d classes, or %d, which is ignored"
                                .formatted(classes - 1, classes, ignored);
                throw invalid(loss, targets.shape(), from + other, "class " + chunk[other], expected);
            }
        }
    }

    /** Where the first number is that is neither a class nor ignored; their count if there is none. */
    private static int firstOther(long[] indices, int count, long classes, long ignored) {
        int i = 0;
        while (i < count && ((indices[i] >= 0 && indices[i] < classes) || indices[i] == ignored)) {
            i++;
        }
        return i;
    }

    private static BackpackException invalid(Loss loss, Shape targets, long element, String value, String expected) {
        long perSample = targets.elements(1, targets.rank());
        String position =
                targets.rank() == 1 ? "" : " at position " + position(targets.dropFirst(1), element % perSample);
        return new BackpackException(
                LinearProblems.INVALID_TARGET,
                "The target of sample %d%s is %s, but %s needs %s."
                        .formatted(element / perSample, position, value, loss.type(), expected));
    }

    private static String position(Shape sample, long element) {
        long[] position = new long[sample.rank()];
        long rest = element;
        for (int axis = sample.rank() - 1; axis >= 0; axis--) {
            position[axis] = rest % sample.size(axis);
            rest /= sample.size(axis);
        }
        return Arrays.toString(position);
    }
}
