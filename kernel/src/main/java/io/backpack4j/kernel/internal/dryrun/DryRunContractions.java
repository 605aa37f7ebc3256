// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.dryrun;

import io.backpack4j.spi.backend.Contractions;
import io.backpack4j.spi.backend.PerSampleProduct;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.backend.portable.PortableContractions;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;

/** Checks contractions in their portable form, and counts each as the one operation that a backend makes of it. */
record DryRunContractions(DryRunBackend backend) implements Contractions {

    @Override
    public void contract(PerSampleProduct product, List<TileConsumer> consumers) {
        double tile = product.tile().elements();
        backend.meter()
                .add(
                        WorkKind.PRODUCT,
                        2.0 * product.batch() * tile * product.positions(),
                        product.batch() * product.groups(),
                        product.left(),
                        product.right());
        consumed(product.batch() * tile, consumers);
        backend.meter().withoutCounting(() -> new PortableContractions(backend).contract(product, consumers));
    }

    @Override
    public void consume(Tensor tiles, long first, long batch, List<TileConsumer> consumers) {
        consumed(tiles.shape().elements(), consumers);
        backend.meter()
                .withoutCounting(() -> new PortableContractions(backend).consume(tiles, first, batch, consumers));
    }

    /** Every consumer reads every element, and its destination is written. */
    void consumed(double elements, List<TileConsumer> consumers) {
        for (TileConsumer consumer : consumers) {
            boolean counts =
                    consumer instanceof TileConsumer.Histogram || consumer instanceof TileConsumer.JointHistogram;
            backend.meter()
                    .add(counts ? WorkKind.HISTOGRAM : WorkKind.ELEMENTWISE, elements, 1, consumer.destination());
        }
    }

    @Override
    public void rowDots(Tensor a, Tensor b, Tensor destination) {
        backend.meter().add(WorkKind.REDUCTION, a.shape().elements(), 1, a, b, destination);
        backend.meter().withoutCounting(() -> new PortableContractions(backend).rowDots(a, b, destination));
    }
}
