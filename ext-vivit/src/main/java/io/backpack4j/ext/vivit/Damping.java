// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.vivit;

/** The damping of a Newton step, along every direction. Best a record: equal dampings make equal extensions. */
@FunctionalInterface
public interface Damping {

    /**
     * Chooses δ_k by what is known along the directions.
     *
     * @param eigenvalues {@code [K]}
     * @param gammas slopes of single samples, {@code [N_grad][K]}
     * @param lambdas curvatures of single samples, {@code [N_ggn][K]}
     * @return δ_k, {@code [K]}
     */
    double[] of(double[] eigenvalues, double[][] gammas, double[][] lambdas);

    /** The same along all directions. */
    static Damping constant(double damping) {
        return new ConstantDamping(damping);
    }
}
