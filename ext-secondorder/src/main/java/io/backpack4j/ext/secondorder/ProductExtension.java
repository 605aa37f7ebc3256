// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.secondorder;

import io.backpack4j.spi.extension.BlockProduct;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Map;

/** An extension whose results are products with the blocks of one matrix. */
interface ProductExtension extends Extension<BlockProduct> {

    /** The matrix. */
    CurvatureMatrix matrix();

    @Override
    default void declare(int stage, SiteDeclaration site) {
        site.product("product", matrix());
    }

    @Override
    default BlockProduct finish(SitePartial partial) {
        return partial.product("product");
    }

    @Override
    default Map<String, Tensor> export(BlockProduct result) {
        return Map.of();
    }
}
