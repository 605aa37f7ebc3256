// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi;

import java.util.regex.Pattern;

/** Patterns of names in which {@code *} stands for any characters and {@code ?} for one. */
public final class NamePatterns {

    private NamePatterns() {}

    /** Whether a whole name matches. */
    public static boolean matches(String pattern, String name) {
        StringBuilder regex = new StringBuilder();
        for (char c : pattern.toCharArray()) {
            switch (c) {
                case '*' -> regex.append(".*");
                case '?' -> regex.append('.');
                default -> regex.append(Pattern.quote(String.valueOf(c)));
            }
        }
        return name.matches(regex.toString());
    }
}
