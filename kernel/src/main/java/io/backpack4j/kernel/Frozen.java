// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel;

import java.util.Set;

/**
 * Which parameters of a node are not trained: no derivatives are computed for them.
 *
 * @param all whether it is all of them
 * @param names the parameters' names within the node, if it is not all
 */
public record Frozen(boolean all, Set<String> names) {

    /** None. */
    public static final Frozen NONE = new Frozen(false, Set.of());

    /** All. */
    public static final Frozen ALL = new Frozen(true, Set.of());

    public Frozen {
        names = Set.copyOf(names);
    }

    /** Whether a parameter is not trained. */
    public boolean contains(String parameter) {
        return all || names.contains(parameter);
    }
}
