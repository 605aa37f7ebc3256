// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.pass;

import io.backpack4j.kernel.internal.evaluation.ChunkForward;
import io.backpack4j.kernel.internal.evaluation.PassInputs;
import io.backpack4j.kernel.internal.layout.PassLayout;
import io.backpack4j.kernel.internal.layout.SiteLayout;
import io.backpack4j.kernel.internal.layout.Splitting;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.extension.BlockProduct;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.extension.NetworkProduct;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Makes products with the blocks of curvature matrices, for as long as it is open. */
public interface Products extends AutoCloseable {

    /** The product with a site's block. */
    BlockProduct of(CurvatureMatrix matrix, SiteLayout site);

    /** The product of a matrix with vectors of some parameters. */
    NetworkProduct ofNetwork(CurvatureMatrix matrix);

    @Override
    void close();

    /** Products of one evaluated chunk, for as long as it stays evaluated. */
    interface OfChunk extends AutoCloseable {

        /** destinations += matrix · tangents, {@code [V, *p]} by parameter. */
        void multiply(CurvatureMatrix matrix, Map<String, Tensor> tangents, Map<String, Tensor> destinations);

        @Override
        void close();
    }

    /** Opens products for a pass that wants some. */
    interface Factory {

        /** Opens products of a chunk, which stays whose it is. */
        OfChunk openChunk(
                PassLayout layout,
                Backend backend,
                ChunkForward chunk,
                double normaliser,
                Set<CurvatureMatrix> matrices);

        /**
         * Opens.
         *
         * @param inputs their tensors stay open as long as the products
         * @param normaliser the loss's factor c
         * @param whole the batch, evaluated as a whole and taken over; null if the products have to evaluate it
         */
        Products open(
                PassLayout layout,
                Splitting splitting,
                Backend backend,
                PassInputs inputs,
                double normaliser,
                Set<CurvatureMatrix> matrices,
                @Nullable ChunkForward whole);
    }
}
