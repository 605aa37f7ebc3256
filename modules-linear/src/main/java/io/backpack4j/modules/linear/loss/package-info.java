/**
 * Losses of classes and of elements.
 *
 * <p>Start at {@link io.backpack4j.modules.linear.loss.CrossEntropyLoss}. A loss checks and normalises; the evaluation
 * beside it holds the formulas. Losses that are curved offer
 * the exact root of the Hessian, a root of random columns, and products; those that are linear have a Hessian of zero.
 */
@NullMarked
package io.backpack4j.modules.linear.loss;

import org.jspecify.annotations.NullMarked;
