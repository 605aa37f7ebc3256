// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.options;

import java.util.Iterator;
import java.util.List;

/** Words for weights of classes. */
public final class ClassWeightNames implements Iterable<String> {

    /** All classes count alike. */
    public static final String BALANCED = "balanced";

    @Override
    public Iterator<String> iterator() {
        return List.of(BALANCED).iterator();
    }
}
