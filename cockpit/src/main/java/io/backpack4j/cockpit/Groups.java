// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit;

import io.backpack4j.cockpit.quantity.Measurement;
import io.backpack4j.cockpit.quantity.NodeQuantity;
import io.backpack4j.cockpit.quantity.Per;
import io.backpack4j.cockpit.quantity.SingleStepQuantity;
import io.backpack4j.cockpit.quantity.Value;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** Puts values of groups of parameters together. */
final class Groups {

    private Groups() {}

    /** What a quantity of one step is, node by node or parameter by parameter. */
    static Measurement measure(
            TrackedQuantity tracked, SingleStepQuantity quantity, List<String> trainable, StepObservation step) {
        if (!(quantity instanceof NodeQuantity ofNodes)) {
            return measure(tracked, trainable, parameters -> quantity.compute(step, parameters));
        }
        List<String> nodes = ofNodes.nodes(step);
        if (tracked.per() == Per.NETWORK || nodes.isEmpty()) {
            return quantity.compute(step, nodes);
        }
        Map<String, List<String>> groups = new LinkedHashMap<>();
        nodes.forEach(node -> groups.put(node, List.of(node)));
        return measure(tracked, groups, trainable, own -> quantity.compute(step, own));
    }

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
        return measure(tracked, groups, trainable, compute);
    }

    private static Measurement measure(
            TrackedQuantity tracked,
            Map<String, List<String>> groups,
            List<String> trainable,
            Function<List<String>, Measurement> compute) {
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
