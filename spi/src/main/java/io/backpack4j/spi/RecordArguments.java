// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/**
 * The arguments of a record whose components are those of its type in a model file: {@code inFeatures} is {@code
 * in_features}, an enum constant {@code MEAN} the word {@code mean}, an empty optional null.
 */
public final class RecordArguments {

    private RecordArguments() {}

    /**
     * Reads the components.
     *
     * @param described a module, a loss or another description
     * @param type its type, for messages
     * @return numbers, flags, words, lists of such, or null by name, in the order of the components
     * @throws BackpackException {@code [NotWritable]} if {@code described} is no record or has a component of another
     *     kind: then it must say its arguments itself
     */
    public static Map<String, @Nullable Object> of(Object described, String type) {
        if (!described.getClass().isRecord()) {
            throw notWritable(type, "it is no record");
        }
        Map<String, @Nullable Object> arguments = new LinkedHashMap<>();
        for (RecordComponent component : described.getClass().getRecordComponents()) {
            arguments.put(snakeCase(component.getName()), value(described, type, component));
        }
        return arguments;
    }

    private static @Nullable Object value(Object described, String type, RecordComponent component) {
        @Nullable Object value;
        try {
            component.getAccessor().setAccessible(true);
            value = component.getAccessor().invoke(described);
        } catch (IllegalAccessException | InvocationTargetException e) {
            throw notWritable(type, "its component '%s' cannot be read".formatted(component.getName()));
        }
        if (value instanceof Optional<?> optional) {
            value = optional.isPresent() ? optional.get() : null;
        } else if (value instanceof OptionalDouble optional) {
            value = optional.isPresent() ? optional.getAsDouble() : null;
        }
        if (value instanceof Enum<?> constant) {
            return constant.name().toLowerCase(Locale.ROOT);
        }
        if (!isPlain(value)) {
            throw notWritable(
                    type, "its component '%s' is neither number, flag, word nor list".formatted(component.getName()));
        }
        return value;
    }

    private static boolean isPlain(@Nullable Object value) {
        return value == null
                || value instanceof Number
                || value instanceof Boolean
                || value instanceof String
                || (value instanceof List<?> list && list.stream().allMatch(RecordArguments::isPlain));
    }

    private static String snakeCase(String name) {
        return name.replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT);
    }

    private static BackpackException notWritable(String type, String reason) {
        return new BackpackException(
                CommonProblems.NOT_WRITABLE,
                "The arguments of %s are not known: %s. Override 'arguments' in its class, so that it can be written to a file."
                        .formatted(type, reason));
    }
}
