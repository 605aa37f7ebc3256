package io.backpack4j.backend.cpu;

import io.backpack4j.spi.backend.Contractions;
import io.backpack4j.spi.backend.PerSampleProduct;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** Centred squares of tiles with one position by their own loop, everything else as plain operations. */
final class HostContractions implements Contractions {

    private final CpuBackend backend;
    private final Contractions portable;

    HostContractions(CpuBackend backend) {
        this.backend = backend;
        this.portable = backend.portableContractions();
    }

    @Override
    public void contract(PerSampleProduct product, List<TileConsumer> consumers) {
        List<TileConsumer> others = new ArrayList<>();
        for (TileConsumer consumer : consumers) {
            if (isOuterSquares(product, consumer)) {
                addOuterSquares(product, (TileConsumer.SumOfSquares) consumer);
            } else {
                others.add(consumer);
            }
        }
        if (!others.isEmpty()) {
            portable.contract(product, others);
        }
    }

    private static boolean isOuterSquares(PerSampleProduct product, TileConsumer consumer) {
        return product.positions() == 1
                && consumer instanceof TileConsumer.SumOfSquares squares
                && squares.center() != null;
    }

    private void addOuterSquares(PerSampleProduct product, TileConsumer.SumOfSquares squares) {
        CpuTensor destination = backend.own(squares.destination());
        Tensor weights = squares.weights();
        OuterSquares.of(destination)
                .add(
                        product,
                        backend.own(product.left()),
                        backend.own(product.right()),
                        backend.own(Objects.requireNonNull(squares.center())),
                        weights == null ? null : backend.own(weights),
                        destination);
    }

    @Override
    public void consume(Tensor tiles, long first, long batch, List<TileConsumer> consumers) {
        portable.consume(tiles, first, batch, consumers);
    }

    @Override
    public void rowDots(Tensor a, Tensor b, Tensor destination) {
        portable.rowDots(a, b, destination);
    }
}
