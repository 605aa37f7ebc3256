// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.data;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.BatchBuilder;
import io.backpack4j.spi.tensor.DType;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Some samples on the host.
 *
 * @param inputs by the model's names for them, each {@code [N, *in]}
 * @param targets {@code [N, *]}
 * @param ids the samples' ids, which they keep whatever the order: draws are keyed by them
 */
public record BatchData(Map<String, HostTensor> inputs, HostTensor targets, long[] ids) {

    public BatchData {
        inputs = Collections.unmodifiableMap(new LinkedHashMap<>(inputs));
    }

    /** N. */
    public int samples() {
        return ids.length;
    }

    /** Puts the samples on the backend. The caller closes the batch. */
    public Batch upload(BackPack backpack, DType dtype) {
        BatchBuilder builder = backpack.batch(dtype);
        inputs.forEach((name, tensor) -> tensor.addAsInput(builder, name));
        targets.addAsTargets(builder);
        return builder.sampleIds(ids).build();
    }
}
