/**
 * Losses: cross-entropy, squared error, binary cross-entropy.
 *
 * <p>Start at {@link io.backpack4j.modules.linear.loss.CrossEntropyLoss}. A loss checks and normalises; the evaluation
 * beside it holds the formulas. All three are negative log-likelihoods and offer the exact root of the Hessian, drawn
 * gradients, and products.
 */
@NullMarked
package io.backpack4j.modules.linear.loss;

import org.jspecify.annotations.NullMarked;
