// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.privacy;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.extension.ParameterGroups;
import java.util.Optional;

/**
 * How gradients are clipped.
 *
 * @param maxNorm the largest norm of a sample's gradient that is left alone, of every group; where it adapts, at first
 * @param groups the parameters whose norms are taken together
 * @param adaptive how it follows the norms; it stays as it is if empty. Of one group only.
 */
public record Clip(double maxNorm, ParameterGroups groups, Optional<AdaptiveClipping> adaptive) {

    /**
     * Checks.
     *
     * @throws BackpackException if the norm is not above 0, or several are to adapt
     */
    public Clip {
        ClippedGrad.requireNorm("max_norm", maxNorm);
        if (adaptive.isPresent() && !groups.equals(ParameterGroups.ALL)) {
            throw new BackpackException(
                    PrivacyProblems.INVALID_PRIVACY,
                    "Clipping adapts the norm over all parameters only, but the groups are %s. Take clipping=flat or groups=all."
                            .formatted(groups));
        }
    }

    /** By the norm over all parameters. */
    public static Clip flat(double maxNorm) {
        return new Clip(maxNorm, ParameterGroups.ALL, Optional.empty());
    }

    /** By the norm of every layer. */
    public static Clip perLayer(double maxNorm) {
        return new Clip(maxNorm, ParameterGroups.LAYER, Optional.empty());
    }
}
