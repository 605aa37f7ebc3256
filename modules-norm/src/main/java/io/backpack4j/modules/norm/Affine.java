// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.norm;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.module.ParameterDerivatives;
import io.backpack4j.spi.module.factored.BiasDerivatives;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Optional;

/**
 * The weight of a norm, and how its elements and those of a bias lie in a sample: {@code [S, P]} with the S positions
 * first, or {@code [P, S]}.
 *
 * @param parameter the shape of weight and bias
 * @param positions the number S of positions
 * @param isLast whether the parameters are those of the last axes
 * @param weight the weight, or nothing for ones
 */
record Affine(Shape parameter, long positions, boolean isLast, Optional<Tensor> weight) {

    /** {@code [V, N, *]} by positions and parameters. */
    Tensor split(TensorScope scope, Tensor columns) {
        Shape shape = columns.shape();
        long count = parameter.elements();
        return scope.view(
                columns,
                isLast
                        ? Shape.of(shape.size(0), shape.size(1), positions, count)
                        : Shape.of(shape.size(0), shape.size(1), count, positions));
    }

    /** {@code [V, *parameter]} so that it stretches over what {@link #split} makes. */
    Tensor stretched(TensorScope scope, Tensor tangent) {
        long columns = tangent.shape().elements() / parameter.elements();
        long count = parameter.elements();
        return scope.view(tangent, isLast ? Shape.of(columns, 1, 1, count) : Shape.of(columns, 1, count, 1));
    }

    /** destination = values ⊙ parameters, of {@code [V, N, *]} and {@code [V, *parameter]} or {@code [*parameter]}. */
    void combine(BinaryOperation operation, Backend backend, Tensor values, Tensor parameters, Tensor destination) {
        try (TensorScope scope = backend.openScope()) {
            Tensor target = split(scope, destination);
            backend.elementwise().combine(operation, split(scope, values), stretched(scope, parameters), target);
        }
    }

    /** The gradients Σ over positions, of {@code [V, N, *]}. */
    ParameterDerivatives derivatives(Backend backend, TensorScope scope, Tensor columns) {
        Tensor split = split(scope, columns);
        return isLast
                ? BiasDerivatives.channelsLast(backend, split, parameter)
                : BiasDerivatives.channelsFirst(backend, split);
    }
}
