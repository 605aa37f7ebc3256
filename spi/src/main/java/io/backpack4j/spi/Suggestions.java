// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;

/** Guesses what a misspelt name was meant to be. */
public final class Suggestions {

    private Suggestions() {}

    /** {@code Did you mean 'Linear'? }, or nothing if no name is close. */
    public static String didYouMean(String name, Collection<String> possible) {
        return nearest(name, possible)
                .map(best -> "Did you mean '" + best + "'? ")
                .orElse("");
    }

    /** The name most like the misspelt one, if any is close. */
    public static Optional<String> nearest(String name, Collection<String> possible) {
        return possible.stream()
                .min(Comparator.comparingInt(candidate -> distance(name, candidate)))
                .filter(best -> distance(name, best) <= Math.max(1, name.length() / 3));
    }

    /** The edit distance of Levenshtein, letters' case ignored. */
    private static int distance(String left, String right) {
        String a = left.toLowerCase(Locale.ROOT);
        String b = right.toLowerCase(Locale.ROOT);
        int[] row = new int[b.length() + 1];
        for (int j = 0; j < row.length; j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j < row.length; j++) {
                int changed = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(changed, 1 + Math.min(row[j], row[j - 1]));
            }
        }
        return row[b.length()];
    }
}
