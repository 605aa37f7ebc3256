// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.robustness;

/** Rows of the table in {@code docs/robustness.md}: {@code bench/robustness} collects them. */
final class Figures {

    private Figures() {}

    /** Prints a row: what was tried, and what came of it. */
    static void row(String what, String figures, Object... values) {
        System.out.printf("| %s | %s |%n", what, figures.formatted(values));
    }
}
