// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.laplace;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.module.KroneckerSizes;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import org.jspecify.annotations.Nullable;

/**
 * G ⊗ A of a parameter in the bases of their eigenvectors: eigenvalues are γ_o α_i.
 *
 * @param output G summed over samples: {@code [O, O]}, with several groups {@code [G, O, O]}
 * @param input A, the mean over samples: {@code [I, I]} or {@code [G, I, I]}, {@code [I]} if it is diagonal; null if
 *     the parameter has no input side
 * @param ofOutput of G, with an axis of groups
 * @param ofInput of A, with an axis of groups; null where A is diagonal or missing
 */
record KroneckerBlock(
        Numbers output,
        @Nullable Numbers input,
        SymmetricEigen ofOutput,
        @Nullable SymmetricEigen ofInput) {

    static KroneckerBlock of(Backend backend, Numbers output, @Nullable Numbers input) {
        SymmetricEigen ofInput =
                input == null || input.shape().rank() == 1 ? null : SymmetricEigen.of(backend, grouped(input));
        return new KroneckerBlock(output, input, SymmetricEigen.of(backend, grouped(output)), ofInput);
    }

    private static Numbers grouped(Numbers factor) {
        return factor.shape().rank() == 3 ? factor : factor.as(factor.shape().prepend(1));
    }

    /** How many elements the parameter has. */
    static long elements(Numbers output, @Nullable Numbers input) {
        Shape shape = output.shape();
        long groups = shape.rank() == 3 ? shape.size(0) : 1;
        return groups
                * shape.size(shape.rank() - 1)
                * (input == null ? 1 : input.shape().size(input.shape().rank() - 1));
    }

    /** In the order {@code [G, O, I]}. */
    double[] eigenvalues() {
        double[] left = ofOutput.values().values();
        int groups = (int) ofOutput.values().shape().size(0);
        double[] right = inputEigenvalues();
        int inputs = right.length / (input == null || ofInput == null ? 1 : groups);
        double[] values = new double[left.length * inputs];
        int outputs = left.length / groups;
        for (int i = 0; i < left.length; i++) {
            int group = right.length == inputs ? 0 : i / outputs;
            for (int k = 0; k < inputs; k++) {
                values[i * inputs + k] = left[i] * right[group * inputs + k];
            }
        }
        return values;
    }

    private double[] inputEigenvalues() {
        if (ofInput != null) {
            return ofInput.values().values();
        }
        return input == null ? new double[] {1} : input.values();
    }

    /** covariance += J (scale · G ⊗ A + priorPrecision · I)⁻¹ Jᵀ. */
    void addCovariance(
            Backend backend, OutputJacobian.Block block, double scale, double priorPrecision, Tensor covariance) {
        double[] roots = eigenvalues();
        for (int i = 0; i < roots.length; i++) {
            roots[i] = 1 / Math.sqrt(scale * roots[i] + priorPrecision);
        }
        try (TensorScope scope = backend.openScope()) {
            Tensor rotated = rotated(backend, scope, block);
            Shape rows = Shape.of(block.outputs(), block.samples(), block.size());
            RowProducts.add(backend, scope.view(rotated, rows), roots, 1, covariance);
        }
    }

    /** U_Gᵀ M U_A, M being a row of the Jacobian as matrices: {@code [C·N, G, O, I]}. */
    private Tensor rotated(Backend backend, TensorScope scope, OutputJacobian.Block block) {
        DType dtype = block.rows().dtype();
        Shape groups = ofOutput.vectors().shape();
        long count = block.outputs() * block.samples();
        Shape shape = Shape.of(count, groups.size(0), groups.size(1), block.size() / groups.elements(0, 2));
        Tensor matrices = outputsFirst(backend, scope, block, shape);
        Tensor left = ofOutput.vectors().as(groups.prepend(1)).on(scope, dtype);
        Tensor rotated = scope.allocate(shape, dtype);
        backend.products().multiply(left, true, matrices, false, 1, 0, rotated);
        if (ofInput == null) {
            return rotated;
        }
        Numbers vectors = ofInput.vectors();
        Tensor both = scope.allocate(shape, dtype);
        Tensor right = vectors.as(vectors.shape().prepend(1)).on(scope, dtype);
        backend.products().multiply(rotated, false, right, false, 1, 0, both);
        return both;
    }

    /** Rows as matrices whose rows are the output side's, also where some of the inputs' axes stand in front. */
    private Tensor outputsFirst(Backend backend, TensorScope scope, OutputJacobian.Block block, Shape shape) {
        long leading =
                input == null ? 1 : block.sizes().map(KroneckerSizes::leading).orElse(1L);
        if (leading == 1) {
            return scope.view(block.rows(), shape);
        }
        long batch = shape.elements(0, 2);
        long inner = shape.size(3) / leading;
        Tensor source = scope.view(block.rows(), Shape.of(batch, leading, shape.size(2), inner));
        Tensor permuted = scope.allocate(
                Shape.of(batch, shape.size(2), leading, inner), block.rows().dtype());
        backend.indexing().permute(source, new int[] {0, 2, 1, 3}, permuted);
        return scope.view(permuted, shape);
    }

    /** G summed, A averaged with the share of this one's samples. */
    KroneckerBlock merged(Backend backend, double share, KroneckerBlock other) {
        Numbers inputs = input == null || other.input == null ? null : input.combined(share, other.input, 1 - share);
        return of(backend, output.combined(1, other.output, 1), inputs);
    }
}
