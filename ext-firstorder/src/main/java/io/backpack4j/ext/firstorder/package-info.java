/**
 * Extensions of first order: what the individual gradients of the samples say, beside their sum.
 *
 * <p>Start at {@link io.backpack4j.ext.firstorder.BatchGrad}. All quantities are of the reduced loss: g_n = c ∇ℓ_n, so
 * that the individual gradients sum to the gradient. Shapes are written with {@code *p} for the parameter's own axes.
 */
@NullMarked
package io.backpack4j.ext.firstorder;

import org.jspecify.annotations.NullMarked;
