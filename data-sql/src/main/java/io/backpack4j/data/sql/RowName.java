// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.data.sql;

/** What messages call the row that is read: its number, from 0 on, and its id. One is used for all rows. */
final class RowName {

    private final String column;
    private final boolean ordered;
    private long number;
    private long id;

    /**
     * @param column the column of ids; empty if the numbers of rows are ids
     * @param ordered whether rows come in an order of ours, in which numbers say nothing
     */
    RowName(String column, boolean ordered) {
        this.column = column;
        this.ordered = ordered;
    }

    void set(long rowNumber, long rowId) {
        number = rowNumber;
        id = rowId;
    }

    @Override
    public String toString() {
        if (column.isEmpty()) {
            return "Row " + number;
        }
        return ordered
                ? "The row with %s %d".formatted(column, id)
                : "Row %d, with %s %d,".formatted(number, column, id);
    }
}
