/**
 * The contracts between the kernel and its plugins.
 *
 * <p>Start at {@link io.backpack4j.spi.Plugin}. Modules know their Jacobians ({@link io.backpack4j.spi.module}),
 * extensions combine contractions of them ({@link io.backpack4j.spi.extension}), losses start the backward pass ({@link
 * io.backpack4j.spi.loss}), backends supply the arithmetic ({@link io.backpack4j.spi.backend}). Providers, modules,
 * losses and extensions are stateless and shared by threads; tensors and scopes belong to one.
 */
@NullMarked
package io.backpack4j.spi;

import org.jspecify.annotations.NullMarked;
