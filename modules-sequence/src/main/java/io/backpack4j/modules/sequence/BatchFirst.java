// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence;

import io.backpack4j.spi.Arguments;

/**
 * The argument {@code batch_first} of recurrent layers and attention. Where it is left out it is PyTorch's default,
 * false, which would put time first; then samples would be taken for steps, and every number would be wrong.
 */
public final class BatchFirst {

    /** The argument's name. */
    public static final String NAME = "batch_first";

    private BatchFirst() {}

    /** Requires that it is said and true. */
    public static void require(Arguments arguments) {
        if (!arguments.flag(NAME, false)) {
            throw arguments.wrong(
                    NAME,
                    "true, because samples are the first axis of every tensor, and PyTorch's default is false. Write \"batch_first\": true, and give sequences as [N, T, features]",
                    false);
        }
    }
}
