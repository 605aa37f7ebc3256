// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.secondorder;

import io.backpack4j.spi.tensor.Tensor;
import java.util.Optional;

/**
 * The eigendecompositions of both factors of a block G ⊗ A: its eigenvalues are all products of one of each side, its
 * eigenvectors the Kronecker products. With several groups, every tensor has an axis of groups in front.
 *
 * @param outputValues the eigenvalues of G, ascending, {@code [O]}
 * @param outputVectors its eigenvectors, one per column, {@code [O, O]}
 * @param inputValues the eigenvalues of A, ascending, {@code [I]}; nothing for a parameter without an input side
 * @param inputVectors its eigenvectors, one per column, {@code [I, I]}
 */
public record KroneckerEigen(
        Tensor outputValues, Tensor outputVectors, Optional<Tensor> inputValues, Optional<Tensor> inputVectors) {}
