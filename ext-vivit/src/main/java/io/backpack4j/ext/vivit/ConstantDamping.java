// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.vivit;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import java.util.Arrays;

/**
 * The same damping along all directions.
 *
 * @param damping δ, finite and not negative
 */
record ConstantDamping(double damping) implements Damping {

    ConstantDamping {
        if (!(damping >= 0 && Double.isFinite(damping))) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "Option 'damping' of DirectionalDampedNewton is %s, but must be finite and not negative."
                            .formatted(damping));
        }
    }

    @Override
    public double[] of(double[] eigenvalues, double[][] gammas, double[][] lambdas) {
        double[] all = new double[eigenvalues.length];
        Arrays.fill(all, damping);
        return all;
    }
}
