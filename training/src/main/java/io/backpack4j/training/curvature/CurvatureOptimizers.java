// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.curvature;

import io.backpack4j.training.OptimizerProvider;
import java.util.List;

/** The optimisers of this package. */
public final class CurvatureOptimizers {

    private CurvatureOptimizers() {}

    /** Providers of all. */
    public static List<OptimizerProvider> all() {
        return List.of(
                OptimizerProvider.withCatalog("PreconditionedGradient", PreconditionedGradient::of),
                OptimizerProvider.withCatalog("KFAC", KFAC::of),
                OptimizerProvider.withCatalog("DirectionalDampedNewton", DirectionalDampedNewton::of),
                OptimizerProvider.of("NewtonCG", NewtonCG::of));
    }
}
