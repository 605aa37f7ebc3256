/**
 * Training that says little about any single sample: clipped sums of gradients in two walks, without gradients of
 * single samples ({@link io.backpack4j.privacy.ClippedGrad}), an optimiser that adds noise and accounts for it ({@link
 * io.backpack4j.privacy.DpSgd}), and batches whose samples are drawn independently ({@link
 * io.backpack4j.privacy.PoissonBatches}).
 */
@NullMarked
package io.backpack4j.privacy;

import org.jspecify.annotations.NullMarked;
