// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.laplace;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.Shape;
import java.util.Arrays;
import java.util.stream.Stream;
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

    /** The eigenvectors of G and, if it has some, of A, and one over the roots of the damped eigenvalues. */
    double[] map(double scale, double priorPrecision) {
        double[] roots = eigenvalues();
        Arrays.setAll(roots, i -> 1 / Math.sqrt(scale * roots[i] + priorPrecision));
        double[] right = input == null ? new double[] {1} : new double[0];
        if (ofInput != null) {
            right = ofInput.vectors().values();
        }
        return Stream.of(ofOutput.vectors().values(), right, roots)
                .flatMapToDouble(Arrays::stream)
                .toArray();
    }

    /** G summed, A averaged with the share of this one's samples. */
    KroneckerBlock merged(Backend backend, double share, KroneckerBlock other) {
        Numbers inputs = input == null || other.input == null ? null : input.combined(share, other.input, 1 - share);
        return of(backend, output.combined(1, other.output, 1), inputs);
    }
}
