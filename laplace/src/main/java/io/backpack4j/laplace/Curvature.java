// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.laplace;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.Backend;
import java.util.List;
import java.util.Map;

/**
 * The curvature H of a summed loss by some parameters, positive semidefinite, in a form that shows its eigenvalues.
 * Lies on the host; immutable.
 */
sealed interface Curvature permits DiagonalCurvature, KroneckerCurvature, EigenCurvature {

    /** Eigenvalues; those that are missing are zero. */
    double[] eigenvalues();

    /** What a pass has to make of the Jacobian J. */
    OutputCovariance covariance();

    /**
     * What the pass needs to know of P = scale · H + priorPrecision · I.
     *
     * @param parameter its name
     * @return numbers of the operand, in the order of its elements
     */
    double[] operand(String parameter, double scale, double priorPrecision);

    /** Whether J P⁻¹ Jᵀ is a difference of numbers that may be far greater, and float32 not enough. */
    default boolean cancels() {
        return false;
    }

    /** J P⁻¹ Jᵀ, {@code [N, C, C]}, of what the pass made. */
    default double[] covariance(Backend backend, OutputCovariance.Sums sums, double scale, double priorPrecision) {
        return sums.products().toDoubleArray();
    }

    /** What a file has to hold. */
    Map<String, Numbers> tensors();

    /** Curvature of the data of both. */
    Curvature merged(Backend backend, long samples, Curvature other, long otherSamples);

    /**
     * Reads what {@link #tensors} says.
     *
     * @param sizes of the parameters, in their order
     */
    static Curvature of(Backend backend, Structure structure, List<ParameterSize> sizes, Map<String, Numbers> tensors) {
        return switch (structure) {
            case DIAG -> DiagonalCurvature.of(sizes, tensors);
            case KRON -> KroneckerCurvature.of(backend, sizes, tensors);
            case FULL, LOW_RANK -> EigenCurvature.of(sizes, tensors);
        };
    }

    /** A parameter, and how many numbers it has. */
    record ParameterSize(String name, int elements) {}

    /** Numbers that must be there, as many as needed. */
    static Numbers required(Map<String, Numbers> tensors, String name, long elements) {
        Numbers found = tensors.get(name);
        if (found == null || found.values().length != elements) {
            throw new BackpackException(
                    LaplaceProblems.POSTERIOR_MISMATCH,
                    "The posterior needs '%s' with %d numbers, but has %s."
                            .formatted(name, elements, found == null ? "none" : found.shape()));
        }
        return found;
    }
}
