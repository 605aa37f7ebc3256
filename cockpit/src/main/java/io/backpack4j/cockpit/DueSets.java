// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit;

import io.backpack4j.spi.extension.Extension;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Keeps the number of plans small: schedules that fall together and apart ask for many sets of extensions, each of
 * which is a plan of its own. The first few sets of a batch size are taken as they are, later ones are rounded up to
 * one that is known, and at last to the set of everything.
 */
final class DueSets {

    /** The most plans for one batch size. */
    static final int MOST = 8;

    private final Map<Long, List<Map<Extension<?>, Set<String>>>> known = new HashMap<>();

    /**
     * The set to compute.
     *
     * @param wanted extensions with the patterns of parameters that they are wanted for
     * @param everything all that may ever be wanted
     */
    Map<Extension<?>, Set<String>> choose(
            long samples, Map<Extension<?>, Set<String>> wanted, Map<Extension<?>, Set<String>> everything) {
        if (wanted.isEmpty()) {
            return wanted;
        }
        List<Map<Extension<?>, Set<String>>> sets = known.computeIfAbsent(samples, n -> new ArrayList<>());
        if (sets.contains(wanted)) {
            return wanted;
        }
        if (sets.size() < MOST - 1) {
            sets.add(copy(wanted));
            return wanted;
        }
        return sets.stream()
                .filter(set -> covers(set, wanted))
                .min(Comparator.comparingInt(Map::size))
                .orElseGet(() -> {
                    Map<Extension<?>, Set<String>> all = copy(everything);
                    wanted.forEach((extension, patterns) -> all.computeIfAbsent(extension, key -> new LinkedHashSet<>())
                            .addAll(patterns));
                    if (sets.size() < MOST) {
                        sets.add(all);
                    } else {
                        // What came up for the first time after the last place was taken widens that place.
                        all.forEach((extension, patterns) -> sets.get(MOST - 1)
                                .computeIfAbsent(extension, key -> new LinkedHashSet<>())
                                .addAll(patterns));
                    }
                    return sets.get(MOST - 1);
                });
    }

    private static boolean covers(Map<Extension<?>, Set<String>> set, Map<Extension<?>, Set<String>> wanted) {
        return wanted.entrySet().stream()
                .allMatch(entry -> set.getOrDefault(entry.getKey(), Set.of()).containsAll(entry.getValue()));
    }

    private static Map<Extension<?>, Set<String>> copy(Map<Extension<?>, Set<String>> set) {
        Map<Extension<?>, Set<String>> copy = new LinkedHashMap<>();
        set.forEach((extension, patterns) -> copy.put(extension, new LinkedHashSet<>(patterns)));
        return copy;
    }
}
