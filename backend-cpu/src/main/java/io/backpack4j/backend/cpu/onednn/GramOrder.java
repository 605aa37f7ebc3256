// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Arrays;

/** Brings Gram matrices of inputs under windows, made in an order of their own, into the order of weights. */
final class GramOrder {

    private GramOrder() {}

    /**
     * Adds a matrix to the destination, or writes it there.
     *
     * @param matrix of two elements of the window and two channels each, in some order
     * @param order which of its axes are the channel and the element of a row, and those of a column
     * @param destination {@code [C · K, C · K]} in all, row-major
     */
    static void write(
            NativeBackend backend,
            TensorScope scope,
            CpuTensor matrix,
            int[] order,
            boolean accumulate,
            CpuTensor destination) {
        long[] sizes = Arrays.stream(order).mapToLong(matrix.shape()::size).toArray();
        Shape shape = Shape.of(sizes);
        Tensor ordered = accumulate ? backend.singles(scope, shape) : scope.view(destination, shape);
        backend.indexing().permute(matrix, order, ordered);
        if (accumulate) {
            backend.elementwise().addScaled(1, scope.view(ordered, destination.shape()), destination);
        }
    }
}
