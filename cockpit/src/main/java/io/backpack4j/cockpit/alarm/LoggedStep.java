// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.alarm;

import io.backpack4j.cockpit.quantity.Value;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * What a line of the log says of a step.
 *
 * @param parameters the names of all parameters, in the order of lists
 */
record LoggedStep(long number, Map<String, Value> values, Map<String, Object> details, List<String> parameters) {

    /** The number of a label that has one. */
    OptionalDouble number(String label) {
        Value value = values.get(label);
        return value == null ? OptionalDouble.empty() : value.number();
    }

    /** Details of a label; empty if there are none. */
    Map<?, ?> details(String label) {
        return details.get(label) instanceof Map<?, ?> own ? own : Map.of();
    }

    /** The value of a label by names of parameters or layers, or by {@code *} where it is one of the network. */
    Map<String, Value> named(String label) {
        Value value = values.get(label);
        if (value == null) {
            return Map.of();
        }
        if (!(value instanceof Value.Several several)) {
            return Map.of("*", value);
        }
        Map<?, ?> own = details(label);
        List<?> names = own.get("layers") instanceof List<?> layers
                ? layers
                : own.get("parameters") instanceof List<?> some ? some : parameters;
        Map<String, Value> named = new LinkedHashMap<>();
        for (int i = 0; i < several.values().size(); i++) {
            named.put(
                    i < names.size() ? String.valueOf(names.get(i)) : String.valueOf(i),
                    several.values().get(i));
        }
        return named;
    }

    /** "Layer x", or "the network" for a value that is not of layers. */
    static String layer(String name) {
        return name.equals("*") ? "the network" : "layer " + name;
    }
}
