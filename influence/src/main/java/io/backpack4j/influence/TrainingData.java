// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.influence;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.training.data.DataSource;
import io.backpack4j.training.data.SampledBatches;

/** The training data in batches, in the order of the source. */
final class TrainingData {

    private final BackPack backpack;
    private final DType dtype;
    private final SampledBatches batches;

    TrainingData(BackPack backpack, DType dtype, DataSource source, int batch) {
        if (batch < 1) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "The number of samples per batch is %d, but must be at least 1.".formatted(batch));
        }
        this.backpack = backpack;
        this.dtype = dtype;
        this.batches = new SampledBatches(source, batch, false, false, 0);
    }

    /** How many batches there are. */
    int count() {
        return Math.toIntExact(batches.perEpoch());
    }

    /** A batch, which the caller closes. */
    Batch upload(int number) {
        return batches.read(1, number).upload(backpack, dtype);
    }
}
