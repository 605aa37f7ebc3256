// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A value and what else is to be said of it.
 *
 * @param value the value
 * @param details numbers, words, flags, lists and maps of such, for the line's {@code details}
 */
public record Measurement(Value value, Map<String, Object> details) {

    public Measurement {
        details = Collections.unmodifiableMap(new LinkedHashMap<>(details));
    }

    /** A number, or why it is none. */
    public static Measurement of(double value) {
        return new Measurement(Value.of(value), Map.of());
    }

    /** Nothing, and why. */
    public static Measurement missing(String reason) {
        return new Measurement(new Value.Missing(reason), Map.of());
    }
}
