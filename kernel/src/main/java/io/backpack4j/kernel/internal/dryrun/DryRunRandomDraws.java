// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.dryrun;

import io.backpack4j.spi.backend.RandomDraws;
import io.backpack4j.spi.backend.RandomKey;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;

/** Checks random draws. */
record DryRunRandomDraws(WorkMeter meter) implements RandomDraws {

    @Override
    public void uniform(RandomKey key, long[] sampleIds, Tensor destination) {
        meter.add(WorkKind.DRAW, destination);
        TensorChecks.floating("uniform", destination);
        checkSamples("uniform", sampleIds, destination);
    }

    @Override
    public void uniform(RandomKey key, long[] sampleIds, long first, Tensor destination) {
        uniform(key, sampleIds, destination);
    }

    @Override
    public void normal(RandomKey key, long[] sampleIds, Tensor destination) {
        meter.add(WorkKind.DRAW, destination);
        TensorChecks.floating("normal", destination);
        checkSamples("normal", sampleIds, destination);
    }

    @Override
    public void categorical(RandomKey key, long[] sampleIds, Tensor probabilities, Tensor destination) {
        meter.add(WorkKind.DRAW, destination);
        TensorChecks.floating("categorical", probabilities);
        TensorChecks.type("categorical", destination, DType.INT64);
        checkSamples("categorical", sampleIds, destination);
        Shape shape = probabilities.shape();
        TensorChecks.require(shape.rank() >= 2, "categorical", "needs probabilities [N, C, *], not " + shape);
        TensorChecks.sameShape(
                "categorical", shape.slice(0, 1).append(shape.dropFirst(2).toArray()), destination);
    }

    private static void checkSamples(String operation, long[] sampleIds, Tensor destination) {
        TensorChecks.require(
                destination.shape().rank() > 0 && destination.shape().size(0) == sampleIds.length,
                operation,
                "needs one row per sample: %d samples, shape %s".formatted(sampleIds.length, destination.shape()));
    }
}
