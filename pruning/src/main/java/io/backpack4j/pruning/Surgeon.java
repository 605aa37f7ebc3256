// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.pruning;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.extension.CurvatureBlock;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Arrays;
import org.hipparchus.linear.LUDecomposition;
import org.hipparchus.linear.MatrixUtils;
import org.hipparchus.linear.RealMatrix;

/**
 * Takes elements S out of one parameter so that the others make up for it: δ = −H⁻¹ E_S ([H⁻¹]_SS)⁻¹ θ_S with H = B +
 * λI, which makes θ_S + δ_S zero and raises the quadratic model by ½ θ_Sᵀ ([H⁻¹]_SS)⁻¹ θ_S, the least possible; B.
 * Hassibi, D. Stork (1992), "Second order derivatives for network pruning: Optimal Brain Surgeon". Owns the inverse;
 * refers to the curvature. Used by one thread at a time.
 */
public final class Surgeon implements AutoCloseable {

    private final FittedCurvature fitted;
    private final String parameter;
    private final TensorScope scope;
    private final CurvatureBlock inverse;

    private Surgeon(FittedCurvature fitted, String parameter, TensorScope scope, CurvatureBlock inverse) {
        this.fitted = fitted;
        this.parameter = parameter;
        this.scope = scope;
        this.inverse = inverse;
    }

    /**
     * What taking elements out makes of a parameter.
     *
     * @param increase of the loss, expected
     * @param values the parameter's new numbers, row-major, exactly zero where elements were taken out
     */
    public record Removal(double increase, double[] values) {}

    /**
     * Starts on a parameter.
     *
     * @param damping λ, at least 0
     * @throws BackpackException {@code NotPositiveDefinite} without enough damping
     */
    public static Surgeon of(FittedCurvature fitted, String parameter, double damping) {
        TensorScope scope = fitted.openScope();
        try {
            CurvatureBlock inverse = fitted.block(parameter).dampedInverse(scope, damping);
            return new Surgeon(fitted, parameter, scope, inverse);
        } catch (RuntimeException | Error e) {
            scope.close();
            throw e;
        }
    }

    /**
     * Takes elements out of the numbers at which the curvature was made; the model stays as it is.
     *
     * @param elements row-major positions, each once
     */
    public Removal removal(int... elements) {
        double[] values = fitted.values(parameter);
        if (elements.length == 0
                || Arrays.stream(elements).anyMatch(i -> i < 0 || i >= values.length)
                || Arrays.stream(elements).distinct().count() != elements.length) {
            throw new BackpackException(
                    CommonProblems.RANGE_OUT_OF_BOUNDS,
                    "Elements %s cannot be taken out of parameter '%s', which has elements 0 to %d. Name some, each once."
                            .formatted(Arrays.toString(elements), parameter, values.length - 1));
        }
        int count = elements.length;
        double[] units = new double[count * values.length];
        for (int s = 0; s < count; s++) {
            units[s * values.length + elements[s]] = 1;
        }
        double[] columns = fitted.multiply(inverse, count, units);
        RealMatrix among = MatrixUtils.createRealMatrix(count, count);
        double[] removed = new double[count];
        for (int s = 0; s < count; s++) {
            removed[s] = values[elements[s]];
            for (int t = 0; t < count; t++) {
                among.setEntry(s, t, columns[s * values.length + elements[t]]);
            }
        }
        double[] forces = new LUDecomposition(among)
                .getSolver()
                .solve(MatrixUtils.createRealVector(removed))
                .toArray();
        double increase = 0;
        double[] updated = values.clone();
        for (int s = 0; s < count; s++) {
            increase += removed[s] * forces[s] / 2;
            for (int i = 0; i < values.length; i++) {
                updated[i] -= forces[s] * columns[s * values.length + i];
            }
        }
        for (int element : elements) {
            updated[element] = 0;
        }
        return new Removal(increase, updated);
    }

    /** Returns the memory. */
    @Override
    public void close() {
        scope.close();
    }
}
