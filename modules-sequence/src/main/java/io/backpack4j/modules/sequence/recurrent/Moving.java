// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.recurrent;

import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import org.jspecify.annotations.Nullable;

/**
 * A tensor, and how it moves along tangents.
 *
 * @param value the tensor
 * @param tangent the same with V columns; null where it stands still, and where nobody asks
 */
record Moving(Tensor value, @Nullable Tensor tangent) {

    static Moving still(Tensor value) {
        return new Moving(value, null);
    }

    /** One of the places of the first axis, without that axis. */
    Moving at(TensorScope scope, long place) {
        return new Moving(at(scope, value, place), tangent == null ? null : at(scope, tangent, place));
    }

    static Tensor at(TensorScope scope, Tensor tensor, long place) {
        return scope.view(scope.rows(tensor, place, place + 1), tensor.shape().dropFirst(1));
    }
}
