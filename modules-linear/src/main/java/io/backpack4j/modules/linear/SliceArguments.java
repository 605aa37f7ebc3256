// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.BackpackException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads slices: per axis an index, or {@code [start, stop, step]} with nulls. */
final class SliceArguments {

    private static final String NAME = "slices";

    private SliceArguments() {}

    static Slice read(Arguments arguments) {
        List<Slice.Selection> slices = new ArrayList<>();
        for (Object entry : arguments.list(NAME)) {
            slices.add(selection(arguments, entry));
        }
        return new Slice(slices);
    }

    private static Slice.Selection selection(Arguments arguments, @Nullable Object entry) {
        if (entry instanceof List<?> range && range.size() == 3) {
            return new Slice.Range(
                    integer(arguments, range.get(0)),
                    integer(arguments, range.get(1)),
                    integer(arguments, range.get(2)));
        }
        Long index = integer(arguments, entry);
        if (index == null) {
            throw wrong(arguments, entry);
        }
        return new Slice.Index(index);
    }

    private static @Nullable Long integer(Arguments arguments, @Nullable Object value) {
        if (value == null) {
            return null;
        }
        if (value instanceof Number number && number.doubleValue() == number.longValue()) {
            return number.longValue();
        }
        throw wrong(arguments, value);
    }

    private static BackpackException wrong(Arguments arguments, @Nullable Object part) {
        return arguments.wrong(
                NAME,
                "a list of integers and [start, stop, step] with integers or null, not '" + part + "'",
                arguments.list(NAME));
    }
}
