// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.timing;

import java.util.List;

/**
 * What ran before something was timed.
 *
 * @param seconds how long
 * @param settled whether times no longer fell at its end: a second had brought no quarter of a second whose median was
 *     5 % below the least one before
 */
public record WarmUp(double seconds, boolean settled) {

    /** Several in turn. */
    public static WarmUp of(List<WarmUp> all) {
        return new WarmUp(
                all.stream().mapToDouble(WarmUp::seconds).sum(), all.stream().allMatch(WarmUp::settled));
    }
}
