// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.pass;

import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.internal.evaluation.ChunkForward;
import io.backpack4j.kernel.internal.graph.BoundNode;
import io.backpack4j.kernel.internal.layout.NodeKey;
import io.backpack4j.kernel.internal.layout.NodeLayout;
import io.backpack4j.kernel.internal.layout.PassLayout;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.extension.NodePartial;
import io.backpack4j.spi.extension.ObservedNode;
import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.module.MergeRule;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

/** Reductions of the outputs of observed nodes over the chunks of a batch. */
final class NodeSums {

    private final PassLayout layout;
    private final Backend backend;
    private final TensorScope scope;
    private final Map<String, NodeLayout> observed;
    private final Map<NodeKey, Tensor> results = new HashMap<>();
    private final Map<NodeKey, ChunkedSum> sums = new HashMap<>();

    /** @param scope owns what is accumulated */
    NodeSums(PassLayout layout, Backend backend, TensorScope scope) {
        this.layout = layout;
        this.backend = backend;
        this.scope = scope;
        this.observed = layout.observed().stream()
                .collect(Collectors.toMap(own -> own.node().name(), own -> own));
    }

    /** Adds the outputs of the samples from one on. */
    ChunkForward.OutputReader reader(long fromSample) {
        return new ChunkForward.OutputReader() {
            @Override
            public boolean wants(BoundNode node) {
                return observed.containsKey(node.node().name());
            }

            @Override
            public void read(BoundNode node, Tensor output) {
                add(Objects.requireNonNull(observed.get(node.node().name())), output, fromSample);
            }
        };
    }

    private void add(NodeLayout own, Tensor outputs, long fromSample) {
        Block block = new Block(0, 1, fromSample, fromSample + outputs.shape().size(0));
        Step step = new Step(block, 1, layout.samples(), null);
        for (NodeKey key : own.keys()) {
            Tensor result = results.computeIfAbsent(key, absent -> allocated(own, absent));
            boolean sum = key.reduction().rule() == MergeRule.SUM;
            Tensor destination = sum
                    ? sums.computeIfAbsent(key, absent -> new ChunkedSum(backend, scope, result))
                            .of(step, true)
                    : result;
            key.reduction().add(backend, outputs, destination);
        }
    }

    private Tensor allocated(NodeLayout own, NodeKey key) {
        Tensor tensor = scope.allocate(own.node().output(), layout.dtype());
        boolean greatest = key.reduction().rule() == MergeRule.MAX;
        backend.elementwise().fill(tensor, greatest ? Double.NEGATIVE_INFINITY : 0);
        return tensor;
    }

    /** Ends the sums over chunks. */
    void complete() {
        sums.values().forEach(ChunkedSum::complete);
        sums.clear();
    }

    /** Finds what was accumulated. */
    Tensor of(NodeKey key) {
        return Objects.requireNonNull(results.get(key), () -> "not accumulated yet: " + key);
    }

    /** Takes over what was accumulated elsewhere. */
    void set(NodeKey key, Tensor tensor) {
        results.put(key, tensor);
    }

    /** What a request sees. */
    List<NodePartial> views(Request<?> request) {
        List<NodePartial> views = new ArrayList<>();
        for (NodeLayout own : layout.observed()) {
            if (own.wanted().containsKey(request)) {
                views.add(new View(own, request, this));
            }
        }
        return views;
    }

    private record View(NodeLayout layout, Request<?> request, NodeSums sums) implements NodePartial {

        @Override
        public ObservedNode node() {
            return layout.node();
        }

        @Override
        public Tensor tensor(String key) {
            return sums.of(layout.key(request, key));
        }
    }
}
