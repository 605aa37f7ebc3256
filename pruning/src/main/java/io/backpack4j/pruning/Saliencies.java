// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.pruning;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.tensor.Shape;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * By how much the loss is expected to increase if one weight or row is taken out, to second order at a minimum: the
 * gradient is taken as zero.
 *
 * @param granularity what is taken out at a time
 * @param values by parameter: one number for each element, row-major, or for each row; for rows only parameters with at
 *     least two axes
 */
public record Saliencies(Granularity granularity, Map<String, double[]> values) {

    public Saliencies {
        values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
    }

    /**
     * Optimal brain damage: Σ ½ h θ² over what is taken out, h being the diagonal of the curvature (Y. LeCun, J.
     * Denker, S. Solla, 1989).
     *
     * @param fitted diagonal blocks, such as those of DiagGGNExact
     * @throws BackpackException if a block is not diagonal
     */
    public static Saliencies damage(FittedCurvature fitted, Granularity granularity) {
        Map<String, double[]> single = new LinkedHashMap<>();
        for (String parameter : fitted.parameters()) {
            double[] saliencies = fitted.diagonal(parameter)
                    .orElseThrow(() -> new BackpackException(
                            CommonProblems.INVALID_ARGUMENT,
                            "The curvature of parameter '%s' is not diagonal. Fit a diagonal one, such as DiagGGNExact, or ask for Saliencies.surgeon."
                                    .formatted(parameter)))
                    .clone();
            double[] values = fitted.values(parameter);
            for (int i = 0; i < values.length; i++) {
                saliencies[i] *= values[i] * values[i] / 2;
            }
            single.put(parameter, saliencies);
        }
        return granularity == Granularity.WEIGHT ? new Saliencies(granularity, single) : rows(fitted, single);
    }

    private static Saliencies rows(FittedCurvature fitted, Map<String, double[]> single) {
        Map<String, double[]> rows = new LinkedHashMap<>();
        single.forEach((parameter, saliencies) -> {
            Shape shape = fitted.shape(parameter);
            if (Rows.has(shape)) {
                double[] sums = new double[Math.toIntExact(shape.size(0))];
                Optional<double[]> ofBias = Rows.bias(fitted, parameter).map(single::get);
                for (int row = 0; row < sums.length; row++) {
                    for (int element : Rows.elements(shape, row)) {
                        sums[row] += saliencies[element];
                    }
                    sums[row] += ofBias.isPresent() ? ofBias.get()[row] : 0;
                }
                rows.put(parameter, sums);
            }
        });
        return new Saliencies(Granularity.ROW, rows);
    }

    /**
     * Optimal brain surgeon within each parameter: ½ θ_Sᵀ ([(B + λI)⁻¹]_SS)⁻¹ θ_S, the increase that is left when the
     * parameter's other elements make up for what is taken out (B. Hassibi, D. Stork, 1992), with any block. Makes as
     * many products with the inverse as there are elements. A row's bias adds what it has itself.
     *
     * @param fitted such as that of KFLR
     * @param damping λ, at least 0; Kronecker factors share it
     * @throws BackpackException {@code NotPositiveDefinite} without enough damping
     */
    public static Saliencies surgeon(FittedCurvature fitted, Granularity granularity, double damping) {
        Map<String, double[]> values = new LinkedHashMap<>();
        for (String parameter : fitted.parameters()) {
            Shape shape = fitted.shape(parameter);
            if (granularity == Granularity.WEIGHT) {
                values.put(parameter, each(fitted, parameter, Math.toIntExact(shape.elements()), damping));
            } else if (Rows.has(shape)) {
                int count = Math.toIntExact(shape.size(0));
                double[] increases = new double[count];
                try (Surgeon surgeon = Surgeon.of(fitted, parameter, damping)) {
                    for (int row = 0; row < count; row++) {
                        increases[row] =
                                surgeon.removal(Rows.elements(shape, row)).increase();
                    }
                }
                Rows.bias(fitted, parameter).ifPresent(bias -> {
                    double[] own = each(fitted, bias, count, damping);
                    for (int row = 0; row < count; row++) {
                        increases[row] += own[row];
                    }
                });
                values.put(parameter, increases);
            }
        }
        return new Saliencies(granularity, values);
    }

    private static double[] each(FittedCurvature fitted, String parameter, int count, double damping) {
        double[] increases = new double[count];
        try (Surgeon surgeon = Surgeon.of(fitted, parameter, damping)) {
            for (int element = 0; element < count; element++) {
                increases[element] = surgeon.removal(element).increase();
            }
        }
        return increases;
    }
}
