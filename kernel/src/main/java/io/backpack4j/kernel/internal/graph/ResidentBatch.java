package io.backpack4j.kernel.internal.graph;

import io.backpack4j.kernel.Batch;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Map;

/** A batch whose numbers lie on a backend. */
final class ResidentBatch implements Batch {

    private final TensorScope scope;
    private final Map<String, Tensor> inputs;
    private final Tensor targets;
    private final long[] sampleIds;

    ResidentBatch(TensorScope scope, Map<String, Tensor> inputs, Tensor targets, long[] sampleIds) {
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
        return targets;
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
