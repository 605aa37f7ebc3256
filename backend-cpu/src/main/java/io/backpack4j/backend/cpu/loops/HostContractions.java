// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.backend.cpu.memory.Arrangement;
import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.spi.backend.Contractions;
import io.backpack4j.spi.backend.PerSampleProduct;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.backend.TileConsumerVisitor;
import io.backpack4j.spi.backend.portable.PortableContractions;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Centred squares and histograms of tiles with one position, and squares of tiles in double precision, by their own
 * loops; everything else as plain operations.
 */
final class HostContractions implements Contractions {

    private final NativeBackend backend;
    private final Contractions portable;

    HostContractions(NativeBackend backend) {
        this.backend = backend;
        this.portable = new PortableContractions(backend);
    }

    @Override
    public void contract(PerSampleProduct product, List<TileConsumer> consumers) {
        List<TileConsumer> others = new ArrayList<>();
        for (TileConsumer consumer : consumers) {
            if (isOuterSquares(product, consumer)) {
                addOuterSquares(product, (TileConsumer.SumOfSquares) consumer);
            } else if (isOuter(product) && consumer instanceof TileConsumer.Histogram histogram) {
                OuterHistogram.add(backend, product, histogram);
            } else if (isOuter(product)
                    && backend.own(product.left()).isSingle()
                    && consumer instanceof TileConsumer.JointHistogram histogram
                    && OuterJointHistogram.add(backend, product, histogram)) {
                continue;
            } else {
                others.add(consumer);
            }
        }
        if (!others.isEmpty()) {
            portable.contract(product, others);
        }
    }

    /** Whether tiles are outer products of two vectors. */
    private static boolean isOuter(PerSampleProduct product) {
        return product.positions() == 1 && product.groups() == 1;
    }

    private static boolean isOuterSquares(PerSampleProduct product, TileConsumer consumer) {
        return product.positions() == 1
                && consumer instanceof TileConsumer.SumOfSquares squares
                && squares.center() != null;
    }

    private void addOuterSquares(PerSampleProduct product, TileConsumer.SumOfSquares squares) {
        CpuTensor destination = backend.own(squares.destination());
        Tensor weights = squares.weights();
        OuterSquares.add(
                backend.team(),
                product,
                backend.own(product.left()),
                backend.own(product.right()),
                backend.own(Objects.requireNonNull(squares.center())),
                weights == null ? null : backend.own(weights),
                destination);
    }

    @Override
    public void consume(Tensor tiles, long first, long batch, List<TileConsumer> consumers) {
        CpuTensor rows = backend.own(tiles);
        if (rows.elements == 0) {
            portable.consume(tiles, first, batch, consumers);
            return;
        }
        boolean single = rows.isSingle();
        TileConsumerVisitor.OfSome<Boolean> loops = new TileConsumerVisitor.OfSome<>() {
            @Override
            public Boolean visit(TileConsumer.SumOfSquares squares) {
                if (!single) {
                    SquareLoops.add(backend, rows, first, squares);
                }
                return !single;
            }

            @Override
            public Boolean visit(TileConsumer.SquaredNorms norms) {
                storeNorms(rows, first, norms.destination());
                return true;
            }

            @Override
            public Boolean visit(TileConsumer.Extremes extremes) {
                if (single) {
                    ExtremeLoops.raise(
                            backend.team(), rows.address(), rows.elements, backend.own(extremes.destination()));
                }
                return single;
            }

            @Override
            public Boolean visitOther(TileConsumer consumer) {
                return false;
            }
        };
        List<TileConsumer> others = new ArrayList<>();
        for (TileConsumer consumer : consumers) {
            if (!consumer.accept(loops)) {
                others.add(consumer);
            }
        }
        if (!others.isEmpty()) {
            portable.consume(tiles, first, batch, others);
        }
    }

    private void storeNorms(CpuTensor rows, long first, Tensor destination) {
        try (TensorScope scope = backend.openScope()) {
            Tensor part = scope.rows(destination, first, first + rows.shape().size(0));
            SquareLoops.rowDots(backend.team(), rows, rows, backend.own(part));
        }
    }

    /** Sums of products do not depend on an order that both operands have. */
    @Override
    public void rowDots(Tensor a, Tensor b, Tensor destination) {
        CpuTensor left = backend.asItLies(a);
        CpuTensor right = backend.asItLies(b);
        CpuTensor to = backend.own(destination);
        if (!Arrangement.sameRows(List.of(left, right), left.elements / Math.max(1, to.elements))) {
            left = backend.own(a);
            right = backend.own(b);
        }
        SquareLoops.rowDots(backend.team(), left, right, to);
    }
}
