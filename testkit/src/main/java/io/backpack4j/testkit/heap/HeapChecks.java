// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.heap;

import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;

/** Complaints about broken contracts, in the way of assertions: whoever gets one has a bug. */
final class HeapChecks {

    private HeapChecks() {}

    static void require(boolean condition, String message, Object... arguments) {
        if (!condition) {
            throw new AssertionError(message.formatted(arguments));
        }
    }

    static void shape(HeapTensor tensor, Shape expected) {
        require(tensor.shape().equals(expected), "A tensor has shape %s instead of %s", tensor.shape(), expected);
    }

    static void integers(HeapTensor tensor) {
        require(tensor.dtype() == DType.INT64, "A tensor has type %s instead of INT64", tensor.dtype());
    }

    /** All are of one type. */
    static void sameType(HeapTensor first, HeapTensor... others) {
        for (HeapTensor other : others) {
            require(
                    other.dtype() == first.dtype(),
                    "Types %s and %s meet in one operation",
                    first.dtype(),
                    other.dtype());
        }
    }

    /** All are of one floating type. */
    static void floating(HeapTensor first, HeapTensor... others) {
        require(first.dtype().isFloating(), "A tensor has type %s instead of a floating one", first.dtype());
        sameType(first, others);
    }

    /** The destination has no element in common with an operand. */
    static void apart(HeapTensor destination, HeapTensor... operands) {
        for (HeapTensor operand : operands) {
            require(!destination.overlaps(operand), "A destination overlaps an operand, %s", operand);
        }
    }

    /** The destination is the operand or has no element in common with it. */
    static void inPlace(HeapTensor destination, HeapTensor... operands) {
        for (HeapTensor operand : operands) {
            require(
                    destination.coincides(operand) || !destination.overlaps(operand),
                    "A destination overlaps an operand in part, %s",
                    operand);
        }
    }
}
