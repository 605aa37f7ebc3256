// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend;

/** Functions of two numbers. */
public enum BinaryOperation {
    ADD,
    SUBTRACT,
    MULTIPLY,
    DIVIDE,
    MAXIMUM,
    MINIMUM
}
