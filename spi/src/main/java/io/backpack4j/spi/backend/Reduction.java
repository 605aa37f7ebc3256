// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend;

/** How many numbers become one. */
public enum Reduction {
    SUM,
    MAXIMUM,
    MINIMUM
}
