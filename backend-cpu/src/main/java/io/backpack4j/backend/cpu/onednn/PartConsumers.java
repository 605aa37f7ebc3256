// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.backend.TileConsumerVisitor;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;

/**
 * Consumers for a part of all tiles, beside those of other parts: what many tiles change is a tensor of the part's own,
 * and taken into the common one once all parts are done. What every tile, or every sample, has a place of its own for
 * is common to the parts, and so are counts, which feeders keep until the end.
 */
final class PartConsumers implements TileConsumerVisitor.OfSome<TileConsumer> {

    private final Backend backend;
    private final TensorScope scope;
    private final List<Runnable> merges = new ArrayList<>();

    /** @param scope owns the part's tensors */
    PartConsumers(Backend backend, TensorScope scope) {
        this.backend = backend;
        this.scope = scope;
    }

    /** Those of the part. */
    List<TileConsumer> of(List<TileConsumer> common) {
        return common.stream().map(consumer -> consumer.accept(this)).toList();
    }

    /** Takes the part's tensors into the common ones. */
    void merge() {
        merges.forEach(Runnable::run);
    }

    private Tensor sums(Tensor common) {
        return own(common, 0, BinaryOperation.ADD);
    }

    private Tensor own(Tensor common, double beginning, BinaryOperation merge) {
        Tensor own = scope.allocate(common.shape(), common.dtype());
        backend.elementwise().fill(own, beginning);
        merges.add(() -> backend.elementwise().combine(merge, common, own, common));
        return own;
    }

    @Override
    public TileConsumer visit(TileConsumer.Sum sum) {
        return new TileConsumer.Sum(sums(sum.destination()));
    }

    @Override
    public TileConsumer visit(TileConsumer.SumOfSquares squares) {
        return new TileConsumer.SumOfSquares(
                sums(squares.destination()), squares.center(), squares.weights(), squares.centerIsMean());
    }

    @Override
    public TileConsumer visit(TileConsumer.WeightedSum weighted) {
        return new TileConsumer.WeightedSum(weighted.weights(), sums(weighted.destination()));
    }

    @Override
    public TileConsumer visit(TileConsumer.Extremes extremes) {
        return new TileConsumer.Extremes(
                own(extremes.destination(), Double.NEGATIVE_INFINITY, BinaryOperation.MAXIMUM));
    }

    /** Tiles are only kept: the common consumer finishes for all parts. */
    @Override
    public TileConsumer visit(TileConsumer.DotWithSum dots) {
        return new TileConsumer.Copy(dots.kept());
    }

    @Override
    public TileConsumer visitOther(TileConsumer consumer) {
        return consumer;
    }
}
