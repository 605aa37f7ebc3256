// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.alarm;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;

/** Remembers which rules are broken, and since when, and what was raised. */
final class AlarmBook {

    private final Map<String, Window> windows = new HashMap<>();
    private final Map<String, Integer> streaks = new HashMap<>();
    private final Set<String> broken = new HashSet<>();
    private final List<Alarm> raised = new ArrayList<>();

    /** All so far, in their order. */
    List<Alarm> raised() {
        return List.copyOf(raised);
    }

    /** The last numbers of a name. */
    Window window(String name, int size) {
        return windows.computeIfAbsent(name, key -> new Window(size));
    }

    /** For how many times in a row something has been so. */
    int streak(String name, boolean holds) {
        int length = holds ? streaks.getOrDefault(name, 0) + 1 : 0;
        streaks.put(name, length);
        return length;
    }

    /**
     * Raises an alarm if a rule is broken that was kept before.
     *
     * @param name the alarm's, and behind a colon of what it is
     * @param message written only if it is raised: rules are checked at every step
     */
    void check(String name, boolean isBroken, long step, Supplier<String> message, Supplier<String> rule) {
        if (!isBroken) {
            broken.remove(name);
        } else if (broken.add(name)) {
            raised.add(new Alarm(name.replaceAll(":.*", ""), step, message.get(), rule.get()));
        }
    }
}
