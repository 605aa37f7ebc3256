// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import io.backpack4j.spi.backend.RandomDraws;
import io.backpack4j.spi.backend.RandomKey;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;

/**
 * {@link io.backpack4j.spi.backend.CounterRandom} on the device, to the last bit; normal numbers up to the rounding of
 * logarithm and cosine.
 */
final class CudaRandomDraws implements RandomDraws {

    private final CudaBackend backend;

    CudaRandomDraws(CudaBackend backend) {
        this.backend = backend;
    }

    @Override
    public void uniform(RandomKey key, long[] sampleIds, Tensor destination) {
        draw("uniform", key, sampleIds, destination);
    }

    @Override
    public void normal(RandomKey key, long[] sampleIds, Tensor destination) {
        draw("normal", key, sampleIds, destination);
    }

    private void draw(String kernel, RandomKey key, long[] sampleIds, Tensor destination) {
        CudaTensor out = backend.own(destination);
        if (out.elements == 0) {
            return;
        }
        try (CudaScope scope = backend.openScope()) {
            CudaTensor ids = ids(scope, sampleIds);
            Arguments arguments = new Arguments()
                    .tensor(ids)
                    .tensor(out)
                    .number(sampleIds.length)
                    .number(out.elements / sampleIds.length)
                    .number(key.seed())
                    .number(key.stream())
                    .number(Integer.toUnsignedLong(key.draw()));
            backend.operation(kernel)
                    .reads(ids)
                    .writes(out)
                    .launch(KernelFile.RANDOM, out.dtype(), kernel, Grid.threads(out.elements), arguments);
        }
    }

    @Override
    public void categorical(RandomKey key, long[] sampleIds, Tensor probabilities, Tensor destination) {
        CudaTensor in = backend.own(probabilities);
        CudaTensor out = backend.own(destination);
        if (out.elements == 0) {
            return;
        }
        try (CudaScope scope = backend.openScope()) {
            CudaTensor ids = ids(scope, sampleIds);
            Arguments arguments = new Arguments()
                    .tensor(ids)
                    .tensor(in)
                    .tensor(out)
                    .number(sampleIds.length)
                    .number(in.size(1))
                    .number(out.elements / sampleIds.length)
                    .number(key.seed())
                    .number(key.stream())
                    .number(Integer.toUnsignedLong(key.draw()));
            backend.operation("categorical")
                    .reads(ids, in)
                    .writes(out)
                    .launch(KernelFile.RANDOM, in.dtype(), "categorical", Grid.threads(out.elements), arguments);
        }
    }

    private static CudaTensor ids(CudaScope scope, long[] sampleIds) {
        CudaTensor ids = scope.allocate(Shape.of(sampleIds.length), DType.INT64);
        ids.write(0, sampleIds, 0, sampleIds.length);
        return ids;
    }
}
