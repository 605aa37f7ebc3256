// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.extension.LossHessianRoot;
import io.backpack4j.spi.extension.SampledLossGradient;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.tensor.Tensor;

/**
 * The option {@code curvature}: which matrix's diagonal.
 *
 * @param name {@code diag_h}, {@code diag_ggn_exact} or {@code diag_ggn_mc}
 * @param mcSamples draws per sample of the last
 */
record CurvatureKind(String name, int mcSamples) {

    static CurvatureKind of(Arguments options) {
        String name = options.word("curvature", "diag_h", "diag_h", "diag_ggn_exact", "diag_ggn_mc");
        long draws = name.equals("diag_ggn_mc") ? options.integer("mc_samples", 1) : 1;
        if (draws < 1 || draws > Integer.MAX_VALUE) {
            throw options.wrong("mc_samples", "a number of draws, at least 1", draws);
        }
        return new CurvatureKind(name, (int) draws);
    }

    /** The diagonal, {@code *p}. */
    Extension<Tensor> diagonal() {
        return extension(new Contraction.SumOfSquares());
    }

    /** Its sum, a scalar, without the diagonal. */
    Extension<Tensor> trace() {
        return extension(new Contraction.Trace());
    }

    private Extension<Tensor> extension(Contraction contraction) {
        return switch (name) {
            case "diag_h" -> new HessianParts(contraction);
            case "diag_ggn_exact" -> new Measured(new LossHessianRoot(), contraction);
            default -> new Measured(new SampledLossGradient(mcSamples), contraction);
        };
    }
}
