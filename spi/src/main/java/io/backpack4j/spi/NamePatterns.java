// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi;

/** Patterns of names in which {@code *} stands for any characters and {@code ?} for one. */
public final class NamePatterns {

    private NamePatterns() {}

    /** Whether a whole name matches. Asked many times at every step that is watched. */
    public static boolean matches(String pattern, String name) {
        int star = -1;
        int behindStar = 0;
        int p = 0;
        int n = 0;
        while (n < name.length()) {
            if (p < pattern.length() && pattern.charAt(p) == '*') {
                star = p++;
                behindStar = n;
            } else if (p < pattern.length() && (pattern.charAt(p) == '?' || pattern.charAt(p) == name.charAt(n))) {
                p++;
                n++;
            } else if (star >= 0) {
                // The last asterisk takes one more character: an earlier one need not.
                p = star + 1;
                n = ++behindStar;
            } else {
                return false;
            }
        }
        while (p < pattern.length() && pattern.charAt(p) == '*') {
            p++;
        }
        return p == pattern.length();
    }
}
