// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.evaluation;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.RandomKey;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.TensorScope;

/** Context in which a module or a loss works. */
public record NodeContext(Backend backend, TensorScope scope, SampleIds samples, RandomKey randomKey)
        implements EvaluationContext {

    @Override
    public long[] sampleIds() {
        return samples.ids();
    }
}
