// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.optimizer;

import io.backpack4j.training.OptimizerProvider;
import java.util.List;

/** The optimisers of this package. */
public final class Optimizers {

    private Optimizers() {}

    /** Providers of all. */
    public static List<OptimizerProvider> all() {
        return List.of(
                OptimizerProvider.of("SGD", SGD::of),
                OptimizerProvider.of("Adam", Adam::of),
                OptimizerProvider.of("AdamW", AdamW::of),
                OptimizerProvider.of("RMSprop", RMSprop::of),
                OptimizerProvider.of("Adagrad", Adagrad::of));
    }
}
