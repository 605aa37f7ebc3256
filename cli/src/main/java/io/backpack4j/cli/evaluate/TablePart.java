// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.evaluate;

import io.backpack4j.training.data.TableRequest;
import java.util.Optional;

/**
 * The part of a table that a worker evaluates.
 *
 * @param rows which they are
 * @param order how results of single rows are written as they come; if empty, there are none, or they are kept
 */
record TablePart(TableRequest.Rows rows, Optional<Order> order) {

    /**
     * How results of single rows are written.
     *
     * @param factor of the loss of all rows of the table
     * @param ofIds whether rows have to be sorted by their ids; otherwise they come so
     */
    record Order(double factor, boolean ofIds) {}

    /** Reads what {@link #toString} makes. */
    static TablePart parse(String text) {
        String[] words = text.split(":");
        TableRequest.Rows rows = new TableRequest.Rows(Long.parseLong(words[0]), Long.parseLong(words[1]));
        return new TablePart(
                rows,
                words.length == 2
                        ? Optional.empty()
                        : Optional.of(new Order(Double.parseDouble(words[2]), Boolean.parseBoolean(words[3]))));
    }

    @Override
    public String toString() {
        String those = rows.from() + ":" + rows.count();
        return those + order.map(how -> ":" + how.factor() + ":" + how.ofIds()).orElse("");
    }
}
