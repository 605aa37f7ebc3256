// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.dryrun;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;

/** Checks of the tensors that all operations share. */
final class TensorChecks {

    private TensorChecks() {}

    static DryRunTensor own(Tensor tensor) {
        open(tensor);
        if (tensor instanceof DryRunTensor own) {
            return own;
        }
        throw new BackpackException(
                CommonProblems.FOREIGN_TENSOR,
                "A tensor of backend '%s' was used where a plan expects its own. Do not keep tensors between passes."
                        .formatted(tensor.backend()));
    }

    static void open(Tensor tensor) {
        if (tensor.isClosed()) {
            throw new BackpackException(
                    CommonProblems.CLOSED_TENSOR,
                    "A tensor of shape " + tensor.shape() + " was used after it was closed.");
        }
    }

    /** Requires one floating type of all operands. */
    static void floating(String operation, Tensor first, Tensor... others) {
        own(first);
        require(first.dtype().isFloating(), operation, "needs floating operands, not " + first.dtype());
        for (Tensor other : others) {
            own(other);
            require(
                    other.dtype() == first.dtype(),
                    operation,
                    "needs operands of one type, not " + first.dtype() + " and " + other.dtype());
        }
    }

    static void type(String operation, Tensor tensor, DType dtype) {
        own(tensor);
        require(tensor.dtype() == dtype, operation, "needs " + dtype + ", not " + tensor.dtype());
    }

    static void sameShape(String operation, Shape expected, Tensor tensor) {
        require(
                tensor.shape().equals(expected),
                operation,
                "needs shape " + expected + ", but was given " + tensor.shape());
    }

    static void require(boolean condition, String operation, String problem) {
        if (!condition) {
            throw new BackpackException(CommonProblems.SHAPE_MISMATCH, operation + " " + problem + ".");
        }
    }
}
