// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import java.util.Map;
import java.util.TreeMap;

/** Remembers which elements of a tensor were written. */
final class Coverage {

    /** Begin to end, exclusive; neither overlapping nor touching. */
    private final TreeMap<Long, Long> ranges = new TreeMap<>();

    void add(long from, long to) {
        if (from == to) {
            return;
        }
        long begin = from;
        long end = to;
        Map.Entry<Long, Long> before = ranges.floorEntry(from);
        if (before != null && before.getValue() >= from) {
            begin = before.getKey();
        }
        Map.Entry<Long, Long> touching = ranges.ceilingEntry(begin);
        while (touching != null && touching.getKey() <= end) {
            end = Math.max(end, touching.getValue());
            ranges.remove(touching.getKey());
            touching = ranges.ceilingEntry(begin);
        }
        ranges.put(begin, end);
    }

    /** How many different elements were written. */
    long elements() {
        return ranges.entrySet().stream()
                .mapToLong(range -> range.getValue() - range.getKey())
                .sum();
    }
}
