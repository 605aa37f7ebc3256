// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.options;

import io.backpack4j.training.files.DataSets;
import java.util.Iterator;

/** Data sets that have a name of their own, for completion; anything else is a file. */
public final class DataNames implements Iterable<String> {

    @Override
    public Iterator<String> iterator() {
        return DataSets.names().iterator();
    }
}
