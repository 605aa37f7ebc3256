// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.linearization;

import io.backpack4j.kernel.internal.evaluation.ChunkForward;
import io.backpack4j.kernel.internal.evaluation.PassInputs;
import io.backpack4j.kernel.internal.layout.PassLayout;
import io.backpack4j.kernel.internal.layout.Splitting;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A batch as a source of products. One that is taken as a whole stays evaluated; of one in chunks, every product
 * evaluates each chunk anew.
 */
public final class LinearizedBatch implements AutoCloseable {

    /** More tangents at once do not make a product faster, not even with a small network (docs/measurements.md). */
    public static final long MANY_COLUMNS = 4;

    private final PassLayout layout;
    private final Splitting splitting;
    private final Backend backend;
    private final PassInputs inputs;
    private final double normaliser;
    private final Set<CurvatureMatrix> matrices;
    private final @Nullable LinearizedChunk whole;

    /**
     * Linearises.
     *
     * @param normaliser the loss's factor c
     * @param matrices those whose products are asked for
     * @param evaluated the batch as a whole, if somebody evaluated it: it is taken over
     */
    public LinearizedBatch(
            PassLayout layout,
            Splitting splitting,
            Backend backend,
            PassInputs inputs,
            double normaliser,
            Set<CurvatureMatrix> matrices,
            @Nullable ChunkForward evaluated) {
        this.layout = layout;
        this.splitting = splitting;
        this.backend = backend;
        this.inputs = inputs;
        this.normaliser = normaliser;
        this.matrices = Set.copyOf(matrices);
        if (evaluated != null) {
            this.whole = new LinearizedChunk(layout, backend, evaluated, true, normaliser, matrices);
        } else {
            this.whole = splitting.chunkSamples() >= layout.samples() ? chunk(0, layout.samples()) : null;
        }
    }

    private LinearizedChunk chunk(long from, long to) {
        return new LinearizedChunk(layout, backend, inputs, from, to, normaliser, matrices);
    }

    private void forEachChunk(ChunkConsumer consumer) {
        if (whole != null) {
            consumer.accept(whole, 0, layout.samples());
            return;
        }
        for (long part : splitting.chunks(layout.samples())) {
            long from = part * splitting.chunkSamples();
            long to = Math.min(layout.samples(), from + splitting.chunkSamples());
            try (LinearizedChunk chunk = chunk(from, to)) {
                consumer.accept(chunk, from, to);
            }
        }
    }

    /** Sees a chunk. */
    private interface ChunkConsumer {
        void accept(LinearizedChunk chunk, long from, long to);
    }

    /** A block of columns of tensors with V columns. */
    private interface BlockConsumer {
        void accept(long from, long to);
    }

    private void forEachBlock(long columns, BlockConsumer consumer) {
        long width = Math.max(1, Math.min(MANY_COLUMNS, splitting.blockColumns()));
        for (long from = 0; from < columns; from += width) {
            consumer.accept(from, Math.min(columns, from + width));
        }
    }

    /** destination = J t. See {@link io.backpack4j.kernel.Linearization#pushforward}. */
    public void pushforward(Map<String, Tensor> tangents, Tensor destination) {
        long columns = destination.shape().size(0);
        forEachChunk((chunk, fromSample, toSample) -> forEachBlock(columns, (from, to) -> {
            try (TensorScope scope = backend.openScope()) {
                Tensor rows = scope.rows(destination, from, to);
                Shape part = rows.shape().with(1, toSample - fromSample);
                boolean all = toSample - fromSample == layout.samples();
                Tensor target = all ? rows : scope.allocate(part, rows.dtype());
                chunk.pushforward(rows(scope, tangents, from, to), target);
                if (!all) {
                    backend.indexing().insert(target, samples(rows, fromSample, toSample), rows);
                }
            }
        }));
    }

    /** destinations += Jᵀ u. See {@link io.backpack4j.kernel.Linearization#pullback}. */
    public void pullback(Tensor cotangents, Map<String, Tensor> destinations) {
        long columns = cotangents.shape().size(0);
        forEachChunk((chunk, fromSample, toSample) -> forEachBlock(columns, (from, to) -> {
            try (TensorScope scope = backend.openScope()) {
                Tensor rows = scope.rows(cotangents, from, to);
                Tensor source = rows;
                if (toSample - fromSample < layout.samples()) {
                    Region region = samples(rows, fromSample, toSample);
                    source = scope.allocate(region.shape(), rows.dtype());
                    backend.indexing().extract(rows, region, source);
                }
                chunk.pullback(source, rows(scope, destinations, from, to));
            }
        }));
    }

    /** destinations += scale · matrix · t. See {@link io.backpack4j.kernel.Linearization#multiply}. */
    public void multiply(
            CurvatureMatrix matrix, double scale, Map<String, Tensor> tangents, Map<String, Tensor> destinations) {
        long columns = tangents.values().iterator().next().shape().size(0);
        forEachChunk((chunk, fromSample, toSample) -> forEachBlock(columns, (from, to) -> {
            try (TensorScope scope = backend.openScope()) {
                chunk.multiply(matrix, scale, rows(scope, tangents, from, to), rows(scope, destinations, from, to));
            }
        }));
    }

    private static Region samples(Tensor rows, long from, long to) {
        return Region.all(rows.shape()).with(1, from, to - from);
    }

    private static Map<String, Tensor> rows(TensorScope scope, Map<String, Tensor> tensors, long from, long to) {
        Map<String, Tensor> rows = new LinkedHashMap<>();
        tensors.forEach((name, tensor) -> rows.put(name, scope.rows(tensor, from, to)));
        return rows;
    }

    @Override
    public void close() {
        if (whole != null) {
            whole.close();
        }
    }
}
