// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear.loss;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.function.LongUnaryOperator;
import java.util.stream.LongStream;

/** Rows with one non-zero element each. */
final class OneHot {

    private OneHot() {}

    /**
     * For j from {@code from} to {@code to} a row that holds {@code value} at {@code position(j)} and zeros elsewhere.
     *
     * @return {@code [to − from, size]} in {@code scope}
     */
    static Tensor rows(
            Backend backend,
            TensorScope scope,
            DType dtype,
            long from,
            long to,
            LongUnaryOperator position,
            long size,
            double value) {
        long[] positions = LongStream.range(from, to).map(position).toArray();
        Tensor rows = scope.allocate(Shape.of(positions.length, size), dtype);
        backend.elementwise().fill(rows, 0);
        Tensor indices = scope.allocate(Shape.of(positions.length), DType.INT64);
        indices.write(0, positions, 0, positions.length);
        backend.indexing().addAt(indices, 1, value, rows);
        return rows;
    }
}
