// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.data;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.NamedService;
import io.backpack4j.spi.Plugin;

/**
 * Reads tables of any size as batches. Plugins bring it as one of their {@link Plugin#services}. May be called from any
 * thread.
 */
public interface TableReader extends NamedService {

    /** What lists and messages call services of this kind. */
    String KIND = "table reader";

    @Override
    default String kind() {
        return KIND;
    }

    /**
     * Opens a table: checks its columns and counts its rows, unless the request says which ones are wanted.
     *
     * @return batches in the order of the rows, read one after the other. The caller closes them
     * @throws BackpackException if it cannot be read, or its columns are not as the request says
     */
    Batches open(TableRequest request);
}
