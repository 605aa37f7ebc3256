// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.vivit;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.extension.NetworkPartial;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.extension.Subsampling;
import io.backpack4j.spi.extension.TensorExtension;
import io.backpack4j.spi.tensor.Tensor;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A Newton step in the space of some of the GGN's eigenvectors, each with a damping of its own: Σ_k −γ̄_k / (λ_k + δ_k)
 * e_k, {@code *p}, to be added to the parameters. γ̄_k is the mean of the slopes of {@link DirectionalDerivatives}. It
 * travels back as one column; the eigenvectors are never made, and which basis an eigenspace has does not matter.
 *
 * @param root which GGN
 * @param directions which eigenvectors
 * @param gradients the positions in the batch whose gradients are taken, from 0 on, repetitions allowed; all if empty
 * @param damping δ_k
 */
public record DirectionalDampedNewton(
        GgnRoot root, Directions directions, Optional<List<Integer>> gradients, Damping damping)
        implements TensorExtension {

    private static final String KEY = "step";

    /** Checks and copies. */
    public DirectionalDampedNewton {
        gradients = Subsampling.checked("DirectionalDampedNewton", "subsampling_grad", gradients);
    }

    /** With the exact GGN of all samples and parameters. */
    public DirectionalDampedNewton(Directions directions, double damping) {
        this(new GgnRoot(), directions, Optional.empty(), Damping.constant(damping));
    }

    @Override
    public String resultName() {
        return "damped_newton";
    }

    @Override
    public int stages() {
        return 2;
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {
        if (stage == 1) {
            root.declareGram(type(), site);
            root.declareSlopes(type(), site, gradients);
        } else {
            GgnEigenvectors.declareColumns(root, this, KEY, site);
        }
    }

    @Override
    public Map<String, Tensor> fold(int stage, NetworkPartial partial) {
        Map<String, Tensor> folded = new HashMap<>();
        if (stage == 1) {
            for (Group group : root.groups(partial)) {
                KeptDirections kept = KeptDirections.of(type(), directions, group);
                folded.put(group.weights(), kept.weights(coefficients(partial, group, kept)));
            }
        }
        return folded;
    }

    private double[] coefficients(NetworkPartial partial, Group group, KeptDirections kept) {
        int count = kept.count();
        double[] coefficients = new double[count];
        if (partial.isTrial()) {
            kept.slopes().close();
            return coefficients;
        }
        double[] eigenvalues = kept.eigenvalues();
        double[][] gammas = rows(kept.slopes(), count);
        double[] dampings = damping.of(eigenvalues.clone(), gammas, kept.curvatures());
        if (dampings.length != count) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "The damping of DirectionalDampedNewton has %d numbers for the %d directions of group %d."
                            .formatted(dampings.length, count, group.index()));
        }
        for (int k = 0; k < count; k++) {
            double sum = 0;
            for (double[] ofSample : gammas) {
                sum += ofSample[k];
            }
            double curvature = eigenvalues[k] + dampings[k];
            if (!(Math.abs(curvature) > 0 && Double.isFinite(curvature))) {
                throw new BackpackException(
                        CommonProblems.INVALID_ARGUMENT,
                        "The damping of DirectionalDampedNewton along direction %d of group %d is %s, and the eigenvalue %s: their sum must be finite and not zero."
                                .formatted(k, group.index(), dampings[k], eigenvalues[k]));
            }
            coefficients[k] = -sum / gammas.length / curvature;
        }
        return coefficients;
    }

    private static double[][] rows(Tensor matrix, int columns) {
        double[][] rows = new double[(int) matrix.shape().size(0)][columns];
        for (int row = 0; row < rows.length; row++) {
            matrix.read((long) row * columns, rows[row], 0, columns);
        }
        matrix.close();
        return rows;
    }

    @Override
    public Tensor finish(SitePartial partial) {
        return partial.scope().view(partial.tensor(KEY), partial.shape());
    }
}
