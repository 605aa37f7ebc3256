// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * An extension as a command line names it.
 *
 * @param type the extension's type, such as {@code KFAC}
 * @param options its options in the order given: {@link Long}, {@link Double}, {@link Boolean}, {@link String}, such
 *     expressions, and lists of these
 */
public record ExtensionExpression(String type, Map<String, Object> options) {

    public ExtensionExpression {
        options = Collections.unmodifiableMap(new LinkedHashMap<>(options));
    }

    /** As a command line names it: {@code KFAC(mc_samples=10)}. */
    @Override
    public String toString() {
        return options.isEmpty()
                ? type
                : options.entrySet().stream()
                        .map(option -> option.getKey() + "=" + text(option.getValue()))
                        .collect(Collectors.joining(",", type + "(", ")"));
    }

    private static String text(Object value) {
        if (value instanceof ExtensionExpression call && call.options().isEmpty()) {
            // Without brackets it would be a word.
            return call.type() + "()";
        }
        return value instanceof List<?> list
                ? list.stream().map(ExtensionExpression::text).collect(Collectors.joining(",", "[", "]"))
                : value.toString();
    }
}
