// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.data.sql;

/** What messages call the row that is read: its number, from 0 on, and its id. One is used for all rows. */
final class RowName {

    private final String column;
    private long number;
    private long id;

    /** @param column the column of ids; empty if the numbers of rows are ids */
    RowName(String column) {
        this.column = column;
    }

    void set(long rowNumber, long rowId) {
        number = rowNumber;
        id = rowId;
    }

    @Override
    public String toString() {
        return column.isEmpty() ? "Row " + number : "Row %d, with %s %d,".formatted(number, column, id);
    }
}
