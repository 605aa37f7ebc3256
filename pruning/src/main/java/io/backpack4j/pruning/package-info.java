// SPDX-License-Identifier: Apache-2.0
/**
 * What parameters are worth by the curvature of a loss: {@link io.backpack4j.pruning.Saliencies} and {@link
 * io.backpack4j.pruning.Masks} for taking some out, {@link io.backpack4j.pruning.ModelComparison} for how many count.
 */
@NullMarked
package io.backpack4j.pruning;

import org.jspecify.annotations.NullMarked;
