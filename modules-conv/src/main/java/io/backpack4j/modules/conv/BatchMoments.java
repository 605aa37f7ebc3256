// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.module.ModuleChecks;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Mean and variance of a batch per channel, and how a batch norm's buffers follow them.
 *
 * @param mean {@code [C]}
 * @param variance {@code [C]}, with the divisor M for M numbers per channel
 */
record BatchMoments(Tensor mean, Tensor variance) {

    static BatchMoments allocate(TensorScope scope, long channels, DType dtype) {
        Shape shape = Shape.of(channels);
        return new BatchMoments(scope.allocate(shape, dtype), scope.allocate(shape, dtype));
    }

    /**
     * Counts the batch, and moves the running mean and the running variance, which has the divisor M − 1, a part of the
     * way to the batch's.
     *
     * @param count M, at least 2
     * @param momentum the part; null for the average of all batches, one through their number
     */
    void follow(Backend backend, Map<String, Tensor> buffers, long count, @Nullable Double momentum) {
        Tensor batches = ModuleChecks.parameter(buffers, BatchNorm.BATCHES);
        long[] number = batches.toLongArray();
        number[0]++;
        batches.write(0, number, 0, 1);
        double part = momentum == null ? 1.0 / number[0] : momentum;
        double unbiased = (double) count / (count - 1);
        move(backend, ModuleChecks.parameter(buffers, BatchNorm.MEAN), part, part, mean);
        move(backend, ModuleChecks.parameter(buffers, BatchNorm.VARIANCE), part, part * unbiased, variance);
    }

    /** running = (1 − part) · running + weight · value. */
    private static void move(Backend backend, Tensor running, double part, double weight, Tensor value) {
        Elementwise ops = backend.elementwise();
        ops.affine(running, 1 - part, 0, running);
        ops.addScaled(weight, value, running);
    }
}
