package io.backpack4j.backend.cpu;

import io.backpack4j.spi.backend.Contractions;
import io.backpack4j.spi.backend.PerSampleProduct;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;

/**
 * Contractions of single precision. Tiles that are worth a call are made one at a time and consumed while they are in the cache; squares alone are
 * fused into the product. Small tiles are the host's, which makes many at a time.
 */
final class DnnlContractions implements Contractions {

    /** A tile of this many elements is worth calls of its own. */
    private static final long LARGE_TILE = 8192;

    /** So is a tile that takes this many multiplications. */
    private static final long MUCH_WORK = 1 << 19;

    private final CpuBackend backend;
    private final DnnlContexts contexts;
    private final Contractions host;

    DnnlContractions(CpuBackend backend, DnnlContexts contexts, Contractions host) {
        this.backend = backend;
        this.contexts = contexts;
        this.host = host;
    }

    @Override
    public void contract(PerSampleProduct product, List<TileConsumer> consumers) {
        CpuTensor left = backend.own(product.left());
        CpuTensor right = backend.own(product.right());
        long elements = product.groups() * product.rows() * product.columns();
        boolean large = elements >= LARGE_TILE || elements * product.positions() >= MUCH_WORK;
        if (!left.isSingle() || !large || product.positions() == 1 || left.elements == 0 || right.elements == 0) {
            host.contract(product, consumers);
            return;
        }
        DnnlContext context = contexts.get();
        if (consumers.size() == 1 && consumers.get(0) instanceof TileConsumer.Sum sum) {
            new TileSums(product, left, right).add(context, backend.own(sum.destination()));
        } else if (consumers.size() == 1 && consumers.get(0) instanceof TileConsumer.SumOfSquares squares) {
            new TileProducts(product, left, right).addSquares(context, backend, squares);
        } else {
            new TileProducts(product, left, right)
                    .feed(context, TileFeeder.all(context, backend, consumers, elements, product.batch()));
        }
    }

    @Override
    public void consume(Tensor tiles, long first, long batch, List<TileConsumer> consumers) {
        CpuTensor rows = backend.own(tiles);
        long count = rows.shape().size(0);
        long elements = count == 0 ? 0 : rows.elements / count;
        if (!rows.isSingle() || elements < LARGE_TILE) {
            host.consume(tiles, first, batch, consumers);
            return;
        }
        DnnlContext context = contexts.get();
        List<TileFeeder> feeders = TileFeeder.all(context, backend, consumers, elements, batch);
        for (long i = 0; i < count; i++) {
            for (TileFeeder feeder : feeders) {
                feeder.feed(rows.address() + i * elements * Float.BYTES, first + i);
            }
        }
    }

    @Override
    public void rowDots(Tensor a, Tensor b, Tensor destination) {
        host.rowDots(a, b, destination);
    }
}
