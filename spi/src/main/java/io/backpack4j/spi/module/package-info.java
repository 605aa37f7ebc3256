/**
 * What a layer is: a description that can evaluate itself, its transposed Jacobians, and the contractions of its
 * per-sample gradients.
 *
 * <p>Start at {@link io.backpack4j.spi.module.Module}. A layer without parameters writes {@code declare}, {@code
 * evaluate} and a {@link io.backpack4j.spi.module.Pullback}; one with parameters adds {@link
 * io.backpack4j.spi.module.ParameterDerivatives} with one required method. Shapes are written {@code [V, N, *]}: V
 * columns pushed through together, N samples.
 */
@NullMarked
package io.backpack4j.spi.module;

import org.jspecify.annotations.NullMarked;
