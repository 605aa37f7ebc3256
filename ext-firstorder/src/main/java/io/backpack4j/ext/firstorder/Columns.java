// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.firstorder;

import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.tensor.Tensor;

/** Partial results of a signal with one column. */
final class Columns {

    private Columns() {}

    /** {@code [1, *]} as {@code [*]}. */
    static Tensor only(SitePartial partial, String key) {
        Tensor tensor = partial.tensor(key);
        return partial.scope().view(tensor, tensor.shape().dropFirst(1));
    }
}
