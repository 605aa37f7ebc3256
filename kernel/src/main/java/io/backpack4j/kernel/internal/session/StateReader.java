// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.session;

import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.SessionState;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/**
 * The numbers of one slot in a state.
 *
 * @param state where they are
 * @param slot the slot's name
 */
record StateReader(SessionState state, String slot) {

    private static final int PIECE = 1 << 16;

    /** Whole numbers up to this one are exact in double precision. */
    private static final double MOST = 0x1p53;

    SessionState.Numbers numbers(String suffix) {
        return numbers(state, name(slot, suffix));
    }

    /** A tensor of a state, which must be there. */
    static SessionState.Numbers numbers(SessionState state, String name) {
        SessionState.Numbers numbers = state.tensors().get(name);
        if (numbers == null) {
            throw new BackpackException(
                    KernelProblems.INVALID_STATE,
                    "The session's state has no tensor '%s': it is incomplete.".formatted(name));
        }
        return numbers;
    }

    /** Whole numbers of a state. */
    static SessionState.Numbers integers(SessionState state, String name) {
        SessionState.Numbers numbers = numbers(state, name);
        require(numbers.dtype() == DType.INT64, name, numbers);
        return numbers;
    }

    /** Refuses a tensor of a form that it cannot have. */
    static void require(boolean fits, String name, SessionState.Numbers numbers) {
        if (!fits) {
            throw new BackpackException(
                    KernelProblems.INVALID_STATE,
                    "The session's state has '%s' of type %s and shape %s, which it cannot have."
                            .formatted(name, numbers.dtype(), numbers.shape()));
        }
    }

    /** All of some whole numbers, which are as many as fit into an array. */
    static long[] readAll(SessionState.Numbers numbers) {
        long[] values = new long[Math.toIntExact(numbers.shape().elements())];
        numbers.readIntegers(0, values, 0, values.length);
        return values;
    }

    /** A number of samples or batches. */
    static long count(SessionState state, String name) {
        SessionState.Numbers numbers = numbers(state, name);
        require(numbers.shape().rank() == 0, name, numbers);
        double[] value = new double[1];
        numbers.read(0, value, 0, 1);
        if (value[0] != Math.rint(value[0]) || value[0] < 0 || value[0] > MOST) {
            throw new BackpackException(
                    KernelProblems.INVALID_STATE,
                    "The session's state has %s as '%s', which is not a number of anything.".formatted(value[0], name));
        }
        return (long) value[0];
    }

    /** Checks the type of all that the slot has, counts aside. */
    void requireType(DType dtype) {
        state.tensors().forEach((name, numbers) -> {
            if (name.startsWith(slot + ":") && !name.endsWith(":count") && numbers.dtype() != dtype) {
                throw new BackpackException(
                        KernelProblems.INVALID_STATE,
                        "The session's state has '%s' of type %s, but %s is needed."
                                .formatted(name, numbers.dtype(), dtype));
            }
        });
    }

    /**
     * Requires that all numbers are finite, so that what cannot be used spoils no session.
     *
     * @throws BackpackException naming the first tensor that has others
     */
    static void requireFinite(SessionState state) {
        double[] piece = new double[PIECE];
        state.tensors().forEach((name, numbers) -> {
            long elements = numbers.shape().elements();
            for (long from = 0; from < elements; from += PIECE) {
                int count = (int) Math.min(PIECE, elements - from);
                numbers.read(from, piece, 0, count);
                for (int i = 0; i < count; i++) {
                    if (!Double.isFinite(piece[i])) {
                        throw new BackpackException(
                                CommonProblems.NOT_FINITE,
                                "The session's state has %s as element %d of '%s' of shape %s. Accumulate again without what overflowed, or take such numbers with NanPolicy.IGNORE."
                                        .formatted(piece[i], from + i, name, numbers.shape()));
                    }
                }
            }
        });
    }

    static String name(String slot, String suffix) {
        return slot + ":" + suffix;
    }

    long count(String suffix) {
        double[] value = new double[1];
        numbers(suffix).read(0, value, 0, 1);
        return (long) value[0];
    }

    /** A tensor with the numbers, bit by bit. */
    Tensor upload(TensorScope scope, String suffix) {
        SessionState.Numbers numbers = numbers(suffix);
        Tensor tensor = scope.allocate(numbers.shape(), numbers.dtype());
        long elements = numbers.shape().elements();
        double[] piece = new double[(int) Math.min(PIECE, elements)];
        for (long from = 0; from < elements; from += piece.length) {
            int count = (int) Math.min(piece.length, elements - from);
            numbers.read(from, piece, 0, count);
            tensor.write(from, piece, 0, count);
        }
        return tensor;
    }
}
