// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.timing;

import java.util.ArrayList;
import java.util.List;

/**
 * Tells when times have settled: a second has brought no quarter of a second whose median is 5 % below the least one
 * before. Least medians, since other programs make times longer, and never shorter. Not safe for use by several
 * threads.
 */
final class Settling {

    private static final double WINDOW_MILLISECONDS = 250;
    private static final int LOOKED_AT = 4;
    private static final double GAIN = 0.05;

    private final List<Double> window = new ArrayList<>();
    private final List<Double> medians = new ArrayList<>();
    private double inWindow;
    private double total;

    /** Takes a time in, in milliseconds. */
    void add(double milliseconds) {
        total += milliseconds;
        inWindow += milliseconds;
        window.add(milliseconds);
        if (inWindow >= WINDOW_MILLISECONDS) {
            medians.add(Durations.of(window).median());
            window.clear();
            inWindow = 0;
        }
    }

    /** The sum of all times, in milliseconds. */
    double total() {
        return total;
    }

    boolean isSettled() {
        int before = medians.size() - LOOKED_AT;
        return before > 0
                && least(medians.subList(before, medians.size())) > (1 - GAIN) * least(medians.subList(0, before));
    }

    private static double least(List<Double> some) {
        return some.stream().mapToDouble(Double::doubleValue).min().orElseThrow();
    }
}
