// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel;

/**
 * Policy for numbers that a pass computes and that are not finite: infinities, which float32 reaches at 3.4e38, and
 * NaN, which follows them.
 */
public enum NanPolicy {

    /** They are results like others. */
    IGNORE,

    /**
     * The pass fails with {@code [NotFinite]} and names the node, the quantity and the samples. Looked at are the loss,
     * the output, the gradients and all results except those that hold several tensors of their parameter's shape, such
     * as {@code [N, *p]}: reading them again would cost more than a fiftieth of the pass. What is not finite in the
     * gradient of a sample is not finite in their sum, which is looked at.
     */
    FAIL,

    /** Does as {@link #FAIL}, and looks at all results. */
    FAIL_EVERYWHERE
}
