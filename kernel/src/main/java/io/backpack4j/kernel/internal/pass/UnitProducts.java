// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.pass;

import io.backpack4j.kernel.internal.evaluation.ChunkForward;
import io.backpack4j.kernel.internal.evaluation.PassInputs;
import io.backpack4j.kernel.internal.evaluation.PassObserver;
import io.backpack4j.kernel.internal.layout.PassLayout;
import io.backpack4j.kernel.internal.layout.SiteLayout;
import io.backpack4j.kernel.internal.layout.SiteRequest;
import io.backpack4j.kernel.internal.layout.Splitting;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.module.MergeRule;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Makes diagonals of curvature matrices by products with unit vectors, chunk by chunk: a block of some elements of a
 * parameter at a time, and for diagonals of single samples one sample after the other.
 */
final class UnitProducts {

    /** More vectors at once do not make a product faster (docs/measurements.md). */
    private static final long MANY_VECTORS = 4;

    private final PassLayout layout;
    private final Splitting splitting;
    private final Backend backend;
    private final PassInputs inputs;
    private final double normaliser;
    private final Products.Factory factory;
    private final List<SiteState> sites;

    UnitProducts(
            PassLayout layout,
            Splitting splitting,
            Backend backend,
            PassInputs inputs,
            double normaliser,
            Products.Factory factory,
            List<SiteState> sites) {
        this.layout = layout;
        this.splitting = splitting;
        this.backend = backend;
        this.inputs = inputs;
        this.normaliser = normaliser;
        this.factory = factory;
        this.sites = sites;
    }

    /** Adds a chunk's part to all diagonals. */
    void add(ChunkForward chunk) {
        if (wants(MergeRule.SUM)) {
            add(chunk, MergeRule.SUM, 1);
        }
        if (wants(MergeRule.PER_SAMPLE)) {
            addSamples(chunk);
        }
    }

    private boolean wants(MergeRule rule) {
        return sites.stream()
                .flatMap(site -> site.layout().requests().stream())
                .anyMatch(request -> request.diagonals().keySet().stream().anyMatch(key -> rule == rule(request, key)));
    }

    private static MergeRule rule(SiteRequest request, String key) {
        return Objects.requireNonNull(request.partials().get(key)).rule();
    }

    private void addSamples(ChunkForward chunk) {
        long count = chunk.toSample() - chunk.fromSample();
        if (count == 1) {
            add(chunk, MergeRule.PER_SAMPLE, 1);
            return;
        }
        PassInputs unseen = inputs.watchedBy(PassObserver.NONE);
        long times = count;
        for (long part : walked().parts(count, sample -> 1L)) {
            long sample = chunk.fromSample() + part;
            try (ChunkForward alone = new ChunkForward(layout, backend, unseen, sample, sample + 1, normaliser)) {
                add(alone, MergeRule.PER_SAMPLE, times);
            }
            // All samples are announced with the first.
            times = 0;
        }
    }

    private Splitting walked() {
        return inputs.observer().isRehearsal() ? splitting.ofSomeParts() : splitting;
    }

    /** @param times for how many samples the products are announced that this is the first of */
    private void add(ChunkForward samples, MergeRule rule, long times) {
        try (Products.OfChunk products =
                factory.openChunk(layout, backend, samples, normaliser, layout.matricesOfDiagonals())) {
            for (SiteState site : sites) {
                for (SiteRequest request : site.layout().requests()) {
                    request.diagonals().forEach((key, matrix) -> {
                        if (rule(request, key) == rule) {
                            add(products, site, matrix, destination(site, request, key, samples), times);
                        }
                    });
                }
            }
        }
    }

    /**
     * Destination of a diagonal.
     *
     * @param tensor to be added to
     * @param origin the place of the diagonal's first element among the tensor's
     */
    private record Destination(Tensor tensor, long origin) {

        /** The place of some neighbouring elements. */
        Tensor elements(TensorScope scope, long from, long to) {
            Tensor all = scope.view(tensor, Shape.of(tensor.shape().elements()));
            return scope.rows(all, origin + from, origin + to);
        }
    }

    private Destination destination(SiteState site, SiteRequest request, String key, ChunkForward samples) {
        Tensor whole = site.partial(request, key, 0);
        if (rule(request, key) == MergeRule.SUM) {
            Block block = new Block(0, 1, samples.fromSample(), samples.toSample());
            return new Destination(site.summand(whole, new Step(block, 1, layout.samples(), null)), 0);
        }
        return new Destination(
                whole, samples.fromSample() * site.layout().shape().elements());
    }

    private void add(
            Products.OfChunk products, SiteState site, CurvatureMatrix matrix, Destination destination, long times) {
        SiteLayout parameter = site.layout();
        long elements = parameter.shape().elements();
        long width = Math.max(1, Math.min(elements, Math.min(MANY_VECTORS, splitting.blockColumns())));
        long blocks = (elements + width - 1) / width;
        inputs.observer().unitProducts(parameter.parameter(), elements, blocks, times);
        for (long block : walked().parts(blocks, index -> Math.min(width, elements - index * width))) {
            long from = block * width;
            long to = Math.min(elements, from + width);
            inputs.observer().unitProduct(parameter.parameter(), from, to);
            try (TensorScope scope = backend.openScope()) {
                add(products, parameter, matrix, from, to, destination, scope);
            }
        }
    }

    private void add(
            Products.OfChunk products,
            SiteLayout parameter,
            CurvatureMatrix matrix,
            long from,
            long to,
            Destination destination,
            TensorScope scope) {
        long count = to - from;
        long elements = parameter.shape().elements();
        Shape shape = parameter.shape().prepend(count);
        Tensor vectors = scope.allocate(shape, layout.dtype());
        Tensor multiplied = scope.allocate(shape, layout.dtype());
        Tensor ones = scope.allocate(Shape.of(count), layout.dtype());
        backend.elementwise().fill(vectors, 0);
        backend.elementwise().fill(multiplied, 0);
        backend.elementwise().fill(ones, 1);
        // Element from + v of vector v.
        Region diagonal = new Region(List.of(from), List.of(elements + 1), List.of(count));
        Shape flat = Shape.of(count * elements);
        backend.indexing().insert(ones, diagonal, scope.view(vectors, flat));
        String name = parameter.parameter();
        products.multiply(matrix, Map.of(name, vectors), Map.of(name, multiplied));
        Tensor values = scope.allocate(Shape.of(count), layout.dtype());
        backend.indexing().extract(scope.view(multiplied, flat), diagonal, values);
        backend.elementwise().addScaled(1, values, destination.elements(scope, from, to));
    }
}
