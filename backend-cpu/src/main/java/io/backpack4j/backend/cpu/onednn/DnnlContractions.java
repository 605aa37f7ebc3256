// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.spi.backend.Contractions;
import io.backpack4j.spi.backend.PerSampleProduct;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Contractions of single precision. Tiles that are worth a call are made one at a time and consumed while they are in
 * the cache; squares alone are fused into the product. Small tiles are the host's, which makes many at a time.
 */
final class DnnlContractions implements Contractions {

    /** A tile of this many elements is worth calls of its own. */
    private static final long LARGE_TILE = 8192;

    /** So is what takes this many multiplications. */
    private static final long MUCH_WORK = 1 << 19;

    private final NativeBackend backend;
    private final DnnlContexts contexts;
    private final Contractions host;
    private final ExpandedSquares expandedSquares;

    DnnlContractions(NativeBackend backend, DnnlContexts contexts, Contractions host) {
        this.backend = backend;
        this.contexts = contexts;
        this.host = host;
        this.expandedSquares = new ExpandedSquares(backend, contexts);
    }

    @Override
    public void contract(PerSampleProduct product, List<TileConsumer> consumers) {
        CpuTensor left = backend.own(product.left());
        CpuTensor right = backend.own(product.right());
        long elements = product.groups() * product.rows() * product.columns();
        boolean large = elements >= LARGE_TILE || elements * product.positions() >= MUCH_WORK;
        boolean ours = left.isSingle() && large && product.positions() > 1 && left.elements > 0;
        boolean expandable = left.isSingle() && (large || elements * product.batch() >= MUCH_WORK);
        List<TileConsumer> remaining = expandable ? expanded(product, consumers) : consumers;
        if (!remaining.isEmpty() && (!ours || !contract(product, left, right, remaining, elements))) {
            host.contract(product, remaining);
        }
    }

    /** The consumers that are left once those that can be expanded are done. */
    private List<TileConsumer> expanded(PerSampleProduct product, List<TileConsumer> consumers) {
        List<TileConsumer> remaining = new ArrayList<>();
        for (TileConsumer consumer : consumers) {
            boolean done = ExpandedSquares.fits(product, consumer)
                    && expandedSquares.add(product, (TileConsumer.SumOfSquares) consumer);
            if (!done) {
                remaining.add(consumer);
            }
        }
        return remaining;
    }

    private boolean contract(
            PerSampleProduct product, CpuTensor left, CpuTensor right, List<TileConsumer> consumers, long elements) {
        DnnlContext context = contexts.get();
        double multiplications = (double) elements * product.positions() * product.batch();
        if (Rounding.pays(context, multiplications, left.elements + (double) right.elements)) {
            try (var operands =
                    new Rounding.Operands(context, left.address(), left.elements, right.address(), right.elements)) {
                var products = new TileProducts(context, product, operands);
                if (contract(context, product, products, consumers, elements)) {
                    return true;
                }
            }
        }
        return contract(context, product, new TileProducts(context, product, left, right), consumers, elements);
    }

    private boolean contract(
            DnnlContext context,
            PerSampleProduct product,
            TileProducts products,
            List<TileConsumer> consumers,
            long elements) {
        if (consumers.size() == 1 && consumers.get(0) instanceof TileConsumer.Sum sum) {
            return products.addSums(backend.own(sum.destination()));
        }
        if (consumers.size() == 1 && consumers.get(0) instanceof TileConsumer.SumOfSquares squares) {
            return products.addSquares(backend, squares);
        }
        return new TileFeeders(backend, context, backend.team(), elements, product.batch())
                .of(consumers)
                .map(products::feed)
                .orElse(false);
    }

    @Override
    public void consume(Tensor tiles, long first, long batch, List<TileConsumer> consumers) {
        CpuTensor rows = backend.own(tiles);
        long count = rows.shape().size(0);
        long elements = count == 0 ? 0 : rows.elements / count;
        if (!rows.isSingle() || elements < LARGE_TILE || !consume(rows, elements, first, batch, consumers)) {
            host.consume(tiles, first, batch, consumers);
        }
    }

    private boolean consume(CpuTensor rows, long elements, long first, long batch, List<TileConsumer> consumers) {
        DnnlContext context = contexts.get();
        Optional<List<TileFeeder>> feeders =
                new TileFeeders(backend, context, backend.team(), elements, batch).of(consumers);
        feeders.ifPresent(all -> {
            for (long i = 0; i * elements < rows.elements; i++) {
                for (TileFeeder feeder : all) {
                    feeder.feed(rows.address() + i * elements * Float.BYTES, first + i);
                }
            }
            all.forEach(feeder -> feeder.end().run());
        });
        return feeders.isPresent();
    }

    @Override
    public void rowDots(Tensor a, Tensor b, Tensor destination) {
        host.rowDots(a, b, destination);
    }
}
