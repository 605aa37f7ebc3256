// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.pass;

import io.backpack4j.kernel.internal.calls.PluginCalls;
import io.backpack4j.kernel.internal.evaluation.ChunkForward;
import io.backpack4j.kernel.internal.evaluation.PassInputs;
import io.backpack4j.kernel.internal.graph.BoundNode;
import io.backpack4j.kernel.internal.layout.PassLayout;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;

/** The numbers that buffers get from a pass, kept apart until it has succeeded. */
final class BufferUpdates implements AutoCloseable {

    private final Backend backend;
    private final TensorScope scope;
    private final Map<String, Tensor> updated = new LinkedHashMap<>();

    BufferUpdates(Backend backend) {
        this.backend = backend;
        this.scope = backend.openScope();
    }

    /**
     * Lets every node of an evaluated batch update its buffers; one that several nodes share is updated by each in
     * turn.
     */
    void collect(PassLayout layout, ChunkForward whole, PassInputs inputs) {
        for (BoundNode node : layout.graph().nodes()) {
            Map<String, Tensor> buffers = node.declaration().needsWholeBatch() ? copies(node, inputs) : Map.of();
            if (!buffers.isEmpty()) {
                try (TensorScope temporary = backend.openScope()) {
                    PluginCalls.call(node.part(), "as it updated its buffers", () -> {
                        whole.evaluation(node).updateBuffers(whole.context(node, temporary), buffers);
                        return buffers;
                    });
                }
            }
        }
    }

    private Map<String, Tensor> copies(BoundNode node, PassInputs inputs) {
        Map<String, Tensor> copies = new LinkedHashMap<>();
        for (ParameterSpec spec : node.declaration().parameters()) {
            if (!spec.trainable()) {
                BoundNode.Owner owner = Objects.requireNonNull(node.owners().get(spec.name()));
                Tensor whole = updated.computeIfAbsent(owner.parameter(), name -> copy(inputs.parameter(name)));
                copies.put(
                        spec.name(),
                        owner.rows()
                                .map(rows -> scope.rows(whole, rows.from(), rows.to()))
                                .orElse(whole));
            }
        }
        return copies;
    }

    private Tensor copy(Tensor buffer) {
        Tensor copy = scope.allocate(buffer.shape(), buffer.dtype());
        backend.elementwise().copy(buffer, copy);
        return copy;
    }

    /** Gives buffers their new numbers. */
    void apply(Function<String, Tensor> buffers) {
        updated.forEach((name, tensor) -> backend.elementwise().copy(tensor, buffers.apply(name)));
    }

    @Override
    public void close() {
        scope.close();
    }
}
