// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.laplace;

/** The form of a posterior's precision. */
public enum Structure {
    /** The diagonal: as many numbers as parameters. */
    DIAG,
    /** Kronecker factors per parameter, weights and biases apart: {@code KFLR(convention=expand)}. */
    KRON,
    /** All of it; for few parameters. */
    FULL,
    /** The leading eigenvectors of all of it. */
    LOW_RANK
}
