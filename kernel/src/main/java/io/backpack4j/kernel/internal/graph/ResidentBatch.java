// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.graph;

import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A batch whose numbers lie on a backend. */
final class ResidentBatch implements Batch {

    private final TensorScope scope;
    private final Map<String, Tensor> inputs;
    private final @Nullable Tensor targets;
    private final long[] sampleIds;

    ResidentBatch(TensorScope scope, Map<String, Tensor> inputs, @Nullable Tensor targets, long[] sampleIds) {
        this.scope = scope;
        this.inputs = Map.copyOf(inputs);
        this.targets = targets;
        this.sampleIds = sampleIds;
    }

    @Override
    public Map<String, Tensor> inputs() {
        return inputs;
    }

    @Override
    public Tensor targets() {
        if (targets == null) {
            throw new BackpackException(
                    KernelProblems.MISSING_TARGETS,
                    "The batch has no targets, which the loss needs. Build it with targets; predictions alone do without.");
        }
        return targets;
    }

    @Override
    public boolean hasTargets() {
        return targets != null;
    }

    @Override
    public long[] sampleIds() {
        return sampleIds.clone();
    }

    @Override
    public long samples() {
        return sampleIds.length;
    }

    @Override
    public void close() {
        scope.close();
    }
}
