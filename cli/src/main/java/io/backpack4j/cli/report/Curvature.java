// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.report;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How the loss bends, as data.
 *
 * @param diagonals the diagonal of the weight that sees the pixels, if there is one
 * @param diagonalsNote says why there are no diagonals, or what they show
 * @param spectra the eigenvalues of Kronecker factors
 * @param spectraNote says why there are no spectra, or what they show
 * @param factors estimated factors beside exact ones
 * @param convergence how far apart these are with more draws
 * @param factorsNote says why there are no factors, or what they show
 * @param directions the leading eigenvectors of the whole matrix, if they were asked for
 * @param directionsNote says why there are none, or what they show
 */
public record Curvature(
        @Nullable DiagonalImages diagonals,
        String diagonalsNote,
        List<Spectrum> spectra,
        String spectraNote,
        List<FactorPair> factors,
        List<Convergence> convergence,
        String factorsNote,
        @Nullable LeadingDirections directions,
        String directionsNote) {

    public Curvature {
        spectra = List.copyOf(spectra);
        factors = List.copyOf(factors);
        convergence = List.copyOf(convergence);
    }

    /**
     * The distance of a parameter's estimated factor from the exact one, for numbers of draws.
     *
     * @param parameter the parameter's full name
     * @param points pairs of draws per sample and relative distance
     */
    @SuppressWarnings("ArrayRecordComponent")
    public record Convergence(String parameter, List<double[]> points) {

        public Convergence {
            points = points.stream()
                    .map(point -> new double[] {point[0], Rounding.round(point[1])})
                    .toList();
        }
    }
}
