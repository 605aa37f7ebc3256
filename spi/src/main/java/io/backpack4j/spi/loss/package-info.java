/**
 * What a loss is: where the backward pass starts.
 *
 * <p>Start at {@link io.backpack4j.spi.loss.Loss}. A loss gives values and gradients; what else it can, such as a root
 * of its Hessian, it offers through small interfaces, and the plan refuses what needs more.
 */
@NullMarked
package io.backpack4j.spi.loss;

import org.jspecify.annotations.NullMarked;
