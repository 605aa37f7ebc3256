// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.layout;

import io.backpack4j.spi.module.ParameterDerivatives;
import io.backpack4j.spi.module.RowBlock;
import io.backpack4j.spi.module.RowDerivatives;
import io.backpack4j.spi.tensor.Shape;
import java.util.Optional;

/**
 * A use of a site at a node.
 *
 * @param site the site
 * @param name the parameter's name within the node
 * @param rows the rows of the parameter that are used; all if empty
 * @param last whether it is the last in backward order, at which the site opens
 */
public record SiteUse(SiteLayout site, String name, Optional<RowBlock> rows, boolean last) {

    /** The shape of what is used. */
    public Shape shape() {
        return rows.map(some -> some.of(site.shape())).orElse(site.shape());
    }

    /** The derivatives of what is used, as those of rows. */
    public RowDerivatives of(ParameterDerivatives derivatives) {
        return new RowDerivatives(rows.orElseGet(() -> RowBlock.all(site.shape())), derivatives);
    }
}
