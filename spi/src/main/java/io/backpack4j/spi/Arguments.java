// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Named arguments of a module, a loss or an extension, as a file or a command line gives them: numbers, words, flags,
 * lists. Remembers what was asked for, so that the caller can report what was given and is not known. Belongs to one
 * thread.
 */
public final class Arguments {

    private final String owner;
    private final Map<String, @Nullable Object> values;
    private final Set<String> known = new TreeSet<>();

    /**
     * Creates arguments.
     *
     * @param owner what they belong to, for messages, such as {@code node 'conv1' (Conv2d)}
     * @param values {@link Number}, {@link Boolean}, {@link String}, {@link List} of such, or null
     */
    public Arguments(String owner, Map<String, ? extends @Nullable Object> values) {
        this.owner = owner;
        this.values = new LinkedHashMap<>(values);
    }

    /** Whether an argument was given. */
    public boolean has(String name) {
        known.add(name);
        return values.get(name) != null;
    }

    /** Whether an argument was given as null, where that means something. */
    public boolean isNull(String name) {
        known.add(name);
        return values.containsKey(name) && values.get(name) == null;
    }

    /** A required whole number. */
    public long integer(String name) {
        return toInteger(name, required(name));
    }

    /** A whole number. */
    public long integer(String name, long otherwise) {
        return has(name) ? integer(name) : otherwise;
    }

    /** A required number. */
    public double number(String name) {
        Object value = required(name);
        if (value instanceof Number number) {
            return number.doubleValue();
        }
        throw wrong(name, "a number", value);
    }

    /** A number. */
    public double number(String name, double otherwise) {
        return has(name) ? number(name) : otherwise;
    }

    /** A flag. */
    public boolean flag(String name, boolean otherwise) {
        if (!has(name)) {
            return otherwise;
        }
        Object value = required(name);
        if (value instanceof Boolean flag) {
            return flag;
        }
        throw wrong(name, "true or false", value);
    }

    /** A word, one of {@code possible}. */
    public String word(String name, String otherwise, String... possible) {
        Object value = has(name) ? required(name) : otherwise;
        if (value instanceof String word && List.of(possible).contains(word)) {
            return word;
        }
        throw wrong(name, "one of " + String.join(", ", possible), value);
    }

    /** A required list of whole numbers; a single one counts as a list of one. */
    public List<Long> integers(String name) {
        Object value = required(name);
        List<?> list = value instanceof List<?> given ? given : List.of(value);
        List<Long> integers = new ArrayList<>();
        for (Object element : list) {
            if (!(element instanceof Number number) || !isInteger(element)) {
                throw wrong(name, "a list of integers", value);
            }
            integers.add(number.longValue());
        }
        return List.copyOf(integers);
    }

    /** A list of {@code count} whole numbers; a single one stands for all. */
    public List<Long> integers(String name, int count, long otherwise) {
        if (!has(name)) {
            return Collections.nCopies(count, otherwise);
        }
        Object value = required(name);
        if (isInteger(value)) {
            return Collections.nCopies(count, toInteger(name, value));
        }
        if (value instanceof List<?> list
                && list.size() == count
                && list.stream().allMatch(Arguments::isInteger)) {
            return integers(name);
        }
        throw wrong(name, "one integer or a list of " + count, value);
    }

    /** A required list of anything: numbers, words, flags, lists and nulls. */
    public List<@Nullable Object> list(String name) {
        Object value = required(name);
        if (value instanceof List<?> list) {
            return new ArrayList<>(list);
        }
        throw wrong(name, "a list", value);
    }

    /** An argument as it was given, for those that may be of several kinds; null if there is none. */
    public @Nullable Object value(String name) {
        known.add(name);
        return values.get(name);
    }

    /** Names of arguments that were given and, up to now, not asked for, in the order in which they were given. */
    public List<String> unasked() {
        return values.keySet().stream().filter(name -> !known.contains(name)).toList();
    }

    /** Reports what was given and never asked for. */
    public void rejectUnknown() {
        Problems problems = new Problems();
        for (String name : unasked()) {
            String possible = known.isEmpty() ? "It takes none." : "It takes: " + String.join(", ", known) + ".";
            problems.add(
                    CommonProblems.UNKNOWN_ARGUMENT,
                    "%s has no argument '%s'. %s".formatted(capitalised(), name, possible));
        }
        problems.throwIfAny();
    }

    /** An error about the value of an argument, for checks of the caller's own. */
    public BackpackException wrong(String name, String expected, @Nullable Object value) {
        return new BackpackException(
                CommonProblems.INVALID_ARGUMENT,
                "Argument '%s' of %s is %s, but must be %s.".formatted(name, owner, shown(value), expected));
    }

    private static String shown(@Nullable Object value) {
        return value instanceof String ? "'" + value + "'" : String.valueOf(value);
    }

    private Object required(String name) {
        known.add(name);
        Object value = values.get(name);
        if (value == null) {
            throw new BackpackException(
                    CommonProblems.MISSING_ARGUMENT,
                    "%s needs the argument '%s', which is missing.".formatted(capitalised(), name));
        }
        return value;
    }

    private long toInteger(String name, @Nullable Object value) {
        if (value instanceof Number number && isInteger(value)) {
            return number.longValue();
        }
        throw wrong(name, "an integer", value);
    }

    private static boolean isInteger(@Nullable Object value) {
        return value instanceof Number number && number.doubleValue() == number.longValue();
    }

    private String capitalised() {
        return Character.toUpperCase(owner.charAt(0)) + owner.substring(1);
    }
}
