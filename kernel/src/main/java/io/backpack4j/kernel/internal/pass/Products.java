package io.backpack4j.kernel.internal.pass;

import io.backpack4j.kernel.internal.evaluation.PassInputs;
import io.backpack4j.kernel.internal.layout.PassLayout;
import io.backpack4j.kernel.internal.layout.SiteLayout;
import io.backpack4j.kernel.internal.layout.Splitting;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.extension.BlockProduct;
import io.backpack4j.spi.extension.CurvatureMatrix;
import java.util.Set;

/** Makes products with the blocks of curvature matrices, for as long as it is open. */
public interface Products extends AutoCloseable {

    /** The product with a site's block. */
    BlockProduct of(CurvatureMatrix matrix, SiteLayout site);

    @Override
    void close();

    /** Opens products for a pass that wants some. */
    interface Factory {

        /**
         * Opens.
         *
         * @param inputs their tensors stay open as long as the products
         * @param normaliser the loss's factor c
         */
        Products open(
                PassLayout layout,
                Splitting splitting,
                Backend backend,
                PassInputs inputs,
                double normaliser,
                Set<CurvatureMatrix> matrices);
    }
}
