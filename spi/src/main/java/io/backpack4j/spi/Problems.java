// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** Collects problems, so that a user sees all of them at once, equal ones once. Belongs to one thread. */
public final class Problems {

    private final Set<Problem> collected = new LinkedHashSet<>();

    /** Adds a problem. */
    public void add(ProblemId id, String message) {
        collected.add(new Problem(id, message));
    }

    /** Runs {@code action} and keeps what it reports. */
    public void collect(Runnable action) {
        try {
            action.run();
        } catch (BackpackException e) {
            collected.addAll(e.problems());
        }
    }

    /** Whether nothing was reported. */
    public boolean isEmpty() {
        return collected.isEmpty();
    }

    /** Throws one exception with everything that was reported, if anything was. */
    public void throwIfAny() {
        if (!collected.isEmpty()) {
            throw new BackpackException(List.copyOf(collected));
        }
    }
}
