// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel;

import io.backpack4j.spi.NamePatterns;

/** Patterns of names in which {@code *} stands for any characters and {@code ?} for one. */
public final class Patterns {

    private Patterns() {}

    /** Whether a whole name matches. */
    public static boolean matches(String pattern, String name) {
        return NamePatterns.matches(pattern, name);
    }
}
