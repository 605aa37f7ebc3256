// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.cost;

import java.util.ArrayList;
import java.util.List;

/**
 * Times calls, in several rounds of the same calls in the same order, and keeps the least time of each: what other
 * programs take of the machine, and what the JVM has not compiled yet in the first round, only adds to it.
 */
final class Probes {

    private static final long NANOS = 2_000_000;
    private static final int MOST_CALLS = 5_000;
    private static final int RUNS = 4;

    private final List<Double> least = new ArrayList<>();
    private int next;

    /** Begins another round. */
    void begin() {
        next = 0;
    }

    /** Seconds of one call, the least so far. */
    double seconds(Runnable call) {
        if (next == least.size()) {
            least.add(Double.POSITIVE_INFINITY);
        }
        double found = least.get(next);
        int calls = 1;
        for (int run = 0; run < RUNS; run++) {
            long start = System.nanoTime();
            for (int i = 0; i < calls; i++) {
                call.run();
            }
            double each = (System.nanoTime() - start) / (double) calls;
            found = Math.min(found, each * 1e-9);
            calls = (int) Math.max(1, Math.min(MOST_CALLS, NANOS / RUNS / Math.max(1, each)));
        }
        least.set(next, found);
        next++;
        return found;
    }
}
