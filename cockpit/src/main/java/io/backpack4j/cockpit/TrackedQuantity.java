// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit;

import io.backpack4j.cockpit.quantity.Per;
import io.backpack4j.cockpit.quantity.Quantity;
import io.backpack4j.cockpit.quantity.Schedule;
import io.backpack4j.kernel.Patterns;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A quantity with everything that was said of it.
 *
 * @param label under which its values stand
 * @param quantity the quantity, of this cockpit alone
 * @param schedule when it is due
 * @param patterns of parameters that it is for
 * @param per what it has a value for
 * @param named whether somebody asked for it by name, and not for a configuration
 * @param expression as it was written
 */
record TrackedQuantity(
        String label,
        Quantity quantity,
        Schedule schedule,
        List<String> patterns,
        Per per,
        boolean named,
        String expression) {

    /** The parameters that it is for, in the order of the network. */
    List<String> parameters(List<String> trainable) {
        return trainable.stream()
                .filter(name -> patterns.stream().anyMatch(pattern -> Patterns.matches(pattern, name)))
                .toList();
    }

    /** The groups of parameters that have a value each, by name. */
    Map<String, List<String>> groups(List<String> trainable) {
        Map<String, List<String>> groups = new LinkedHashMap<>();
        for (String parameter : parameters(trainable)) {
            String group = switch (per) {
                case NETWORK -> "*";
                case LAYER -> parameter.substring(0, Math.max(0, parameter.lastIndexOf('.')));
                case PARAMETER -> parameter;
            };
            groups.computeIfAbsent(group, name -> new ArrayList<>()).add(parameter);
        }
        return groups;
    }
}
