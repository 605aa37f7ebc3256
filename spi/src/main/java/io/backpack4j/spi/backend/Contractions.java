// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend;

import io.backpack4j.spi.tensor.Tensor;
import java.util.List;

/** The fused operations behind per-sample quantities. No more than a few tiles are alive at a time. */
public interface Contractions {

    /**
     * Makes every tile of {@code product} once and hands it to all consumers; each tile is {@code [G, M, K]}, P =
     * G·M·K.
     */
    void contract(PerSampleProduct product, List<TileConsumer> consumers);

    /**
     * Hands tiles that exist to all consumers: those with numbers {@code first}, {@code first + 1}, … of a batch of
     * {@code batch}.
     *
     * @param tiles {@code [count, *p]}
     */
    void consume(Tensor tiles, long first, long batch, List<TileConsumer> consumers);

    /**
     * destination[b] = Σ_p a[b] · b[b], row by row, added up as exactly as in double precision whatever the
     * type.
     *
     * @param a {@code [B, *p]}
     * @param b {@code [B, *p]}, or {@code [1, *p]} for the same row every time
     * @param destination {@code [B]}
     */
    void rowDots(Tensor a, Tensor b, Tensor destination);
}
