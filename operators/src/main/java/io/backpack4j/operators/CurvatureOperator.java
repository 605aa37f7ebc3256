// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.operators;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.Map;

/**
 * A symmetric matrix of second derivatives of a loss by parameters, P × P, or its block for some parameters. Vectors
 * are laid out as {@link #layout} says.
 *
 * <p>Over one batch, what the forward pass keeps stays in memory until the operator is closed; over several, every
 * product makes a forward pass of each batch.
 */
public class CurvatureOperator implements LinearOperator, AutoCloseable {

    private final Linearizations linearizations;
    private final CurvatureMatrix matrix;

    CurvatureOperator(Objective objective, CurvatureMatrix matrix) {
        this.linearizations = new Linearizations(objective, List.of(matrix));
        this.matrix = matrix;
    }

    /**
     * Any symmetric matrix that is known by its products, an own one too.
     *
     * @throws io.backpack4j.spi.BackpackException if something does not fit
     */
    public static CurvatureOperator of(Objective objective, CurvatureMatrix matrix) {
        return new CurvatureOperator(objective, matrix);
    }

    /** Layout of parameters in vectors. */
    public final ParameterLayout layout() {
        return linearizations.layout();
    }

    /** P. */
    @Override
    public final long rows() {
        return layout().size();
    }

    /** P. */
    @Override
    public final long columns() {
        return layout().size();
    }

    @Override
    public final DType dtype() {
        return linearizations.dtype();
    }

    @Override
    public final Backend backend() {
        return linearizations.backend();
    }

    @Override
    public final void multiply(Tensor x, Tensor destination) {
        Vectors.check(this, x, destination);
        try (TensorScope scope = backend().openScope()) {
            Map<String, Tensor> tangents = layout().parts(scope, x);
            layout().add(
                            destination,
                            sums -> linearizations.forEach((batch, linearization, weight) ->
                                    linearization.multiply(matrix, weight, tangents, sums)));
        }
    }

    /** Returns the memory. */
    @Override
    public final void close() {
        linearizations.close();
    }
}
