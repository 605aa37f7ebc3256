// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend;

/**
 * The numbers of one step of gradient descent with momentum; see {@link Elementwise#momentum}.
 *
 * @param scale by what the gradient is multiplied, −1 to climb
 * @param decay how much of the value is added to the gradient
 * @param kept how much of the buffer is kept
 * @param taken how much of the gradient the buffer takes in
 * @param ofGradient how much of the gradient itself is taken off the value, which Nesterov's momentum does
 * @param ofBuffer how much of the new buffer is taken off the value
 */
public record MomentumStep(double scale, double decay, double kept, double taken, double ofGradient, double ofBuffer) {}
