// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit;

import io.backpack4j.cockpit.quantity.Measurement;
import io.backpack4j.cockpit.quantity.Per;
import io.backpack4j.cockpit.quantity.Value;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** Puts values of groups of parameters together. */
final class Groups {

    private Groups() {}

    /**
     * One value, or a list of one for each group, with the groups' names in the details unless they are all parameters
     * in their order.
     */
    static Measurement measure(
            TrackedQuantity tracked, List<String> trainable, Function<List<String>, Measurement> compute) {
        Map<String, List<String>> groups = tracked.groups(trainable);
        if (tracked.per() == Per.NETWORK) {
            return compute.apply(groups.values().iterator().next());
        }
        List<Value> values = new ArrayList<>();
        Map<String, Object> details = new LinkedHashMap<>();
        Map<String, Object> ofGroups = new LinkedHashMap<>();
        groups.forEach((name, parameters) -> {
            Measurement own = compute.apply(parameters);
            values.add(own.value());
            if (!own.details().isEmpty()) {
                ofGroups.put(name, own.details());
            }
        });
        List<String> names = List.copyOf(groups.keySet());
        if (tracked.per() == Per.LAYER) {
            details.put("layers", names);
        } else if (!names.equals(trainable)) {
            details.put("parameters", names);
        }
        if (!ofGroups.isEmpty()) {
            details.put("groups", ofGroups);
        }
        return new Measurement(new Value.Several(values), details);
    }
}
