// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.layout;

import io.backpack4j.spi.tensor.Shape;

/**
 * An operand that a run brings.
 *
 * @param shape its shape
 * @param stage the first stage that declares it
 */
public record DeclaredOperand(Shape shape, int stage) {}
