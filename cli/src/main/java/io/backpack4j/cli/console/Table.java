// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.console;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Text in columns, as wide as needed. */
public final class Table {

    private static final String GAP = "  ";

    private final boolean[] right;
    private final List<String[]> rows = new ArrayList<>();

    /** A table with titles; those that start with {@code >} stand over columns that end at the right. */
    public Table(String... titles) {
        right = new boolean[titles.length];
        String[] header = new String[titles.length];
        for (int column = 0; column < titles.length; column++) {
            right[column] = titles[column].startsWith(">");
            header[column] = right[column] ? titles[column].substring(1) : titles[column];
        }
        rows.add(header);
    }

    /** Adds a row. */
    public void row(String... cells) {
        if (cells.length != right.length) {
            throw new IllegalArgumentException("%d cells for %d columns".formatted(cells.length, right.length));
        }
        rows.add(cells.clone());
    }

    /** The lines, titles first, without spaces at the end. */
    public List<String> lines() {
        int[] widths = new int[right.length];
        for (String[] row : rows) {
            for (int column = 0; column < widths.length; column++) {
                widths[column] = Math.max(widths[column], row[column].length());
            }
        }
        return rows.stream().map(row -> line(row, widths)).toList();
    }

    /** Prints the lines. */
    public void print(PrintWriter out) {
        lines().forEach(out::println);
    }

    private String line(String[] row, int[] widths) {
        StringBuilder line = new StringBuilder();
        for (int column = 0; column < row.length; column++) {
            char[] padding = new char[widths[column] - row[column].length()];
            Arrays.fill(padding, ' ');
            line.append(column == 0 ? "" : GAP);
            if (right[column]) {
                line.append(padding).append(row[column]);
            } else {
                line.append(row[column]).append(padding);
            }
        }
        return line.toString().stripTrailing();
    }
}
