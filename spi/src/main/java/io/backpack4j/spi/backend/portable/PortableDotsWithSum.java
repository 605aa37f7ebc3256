// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend.portable;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/** Inner products of tiles with their sums, which are known once all tiles are kept. */
public final class PortableDotsWithSum {

    private PortableDotsWithSum() {}

    /**
     * Keeps tiles, and finishes with the last of them.
     *
     * @param rows {@code [count, P]}, tiles from number {@code first} on
     * @param batch B
     */
    public static void keep(Backend backend, Tensor rows, long first, long batch, TileConsumer.DotWithSum consumer) {
        long count = rows.shape().size(0);
        try (TensorScope scope = backend.openScope()) {
            Tensor place = scope.rows(consumer.kept(), first, first + count);
            backend.elementwise().copy(rows, scope.view(place, rows.shape()));
        }
        if (first + count == batch) {
            finish(backend, consumer);
        }
    }

    /** Makes the inner products. Tiles are kept in whatever order, all in the same. */
    public static void finish(Backend backend, TileConsumer.DotWithSum consumer) {
        Shape shape = consumer.destination().shape();
        long runs = shape.size(0);
        long length = shape.size(1);
        try (TensorScope scope = backend.openScope()) {
            Tensor kept = consumer.kept();
            long elements = kept.shape().elements(1, kept.shape().rank());
            Tensor rows = scope.view(kept, Shape.of(runs * length, elements));
            Tensor sum = scope.allocate(Shape.of(1, elements), kept.dtype());
            for (long run = 0; run < runs; run++) {
                Tensor ofRun = scope.rows(rows, run * length, (run + 1) * length);
                backend.reductions().reduce(Reduction.SUM, ofRun, 0, 1, scope.view(sum, Shape.of(elements)));
                Tensor dots = scope.view(scope.rows(consumer.destination(), run, run + 1), Shape.of(length));
                backend.contractions().rowDots(ofRun, sum, dots);
            }
        }
    }
}
