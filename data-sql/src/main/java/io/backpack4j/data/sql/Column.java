// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.data.sql;

import java.util.Locale;
import java.util.Set;

/**
 * A column.
 *
 * @param name its name
 * @param type its type, as the database calls it: {@code INTEGER}, {@code FLOAT[]}
 */
record Column(String name, String type) {

    private static final Set<String> INTEGERS = Set.of(
            "TINYINT",
            "SMALLINT",
            "INTEGER",
            "BIGINT",
            "HUGEINT",
            "UTINYINT",
            "USMALLINT",
            "UINTEGER",
            "UBIGINT",
            "UHUGEINT");

    private static final Set<String> REALS = Set.of("FLOAT", "DOUBLE", "DECIMAL", "BOOLEAN");

    /** Whether its values are lists, of numbers or of lists. */
    boolean isList() {
        return type.endsWith("]");
    }

    /** Whether it holds integers, or lists of them. */
    boolean isInteger() {
        return INTEGERS.contains(element());
    }

    /** Whether it holds numbers, or lists of them. */
    boolean isNumber() {
        return isInteger() || REALS.contains(element());
    }

    private String element() {
        return type.replaceAll("[\\[(].*", "").toUpperCase(Locale.ROOT);
    }

    /** The name as SQL has it. */
    String quoted() {
        return quoted(name);
    }

    static String quoted(String name) {
        return '"' + name.replace("\"", "\"\"") + '"';
    }

    @Override
    public String toString() {
        return "'%s' (%s)".formatted(name, type);
    }
}
