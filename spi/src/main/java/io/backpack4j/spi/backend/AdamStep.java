// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend;

/**
 * The numbers of one step of Adam; see {@link Elementwise#adam}.
 *
 * @param firstBeta β₁, how much of the mean is kept
 * @param secondBeta β₂, how much of the mean of squares is kept
 * @param rate the learning rate, corrected for the mean's start at 0
 * @param scale what corrects the root of the mean of squares for its start at 0
 * @param epsilon what keeps the denominator from 0
 */
public record AdamStep(double firstBeta, double secondBeta, double rate, double scale, double epsilon) {}
