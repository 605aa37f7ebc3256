// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend;

import io.backpack4j.spi.tensor.Tensor;

/**
 * What comes back through an {@link LstmSweep}, for V columns.
 *
 * @param outputs the cotangents of h behind all steps, {@code [T, V, N, H]}; overwritten
 * @param gates gets those of a, what gates were made of, {@code [V, N, T, 4 · H]}
 * @param h gets those of the initial h, {@code [V, N, H]}
 * @param memory gets those of the initial c, {@code [V, N, H]}
 */
public record LstmCotangents(Tensor outputs, Tensor gates, Tensor h, Tensor memory) {}
