// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.secondorder;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.extension.CurvatureBlock;
import io.backpack4j.spi.extension.CurvatureExtension;
import io.backpack4j.spi.extension.CurvatureMatrix.Projection;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Map;
import java.util.Objects;

/**
 * A diagonal block.
 *
 * @param diagonal {@code *p}
 */
record DiagonalBlock(Backend backend, Tensor diagonal) implements CurvatureBlock {

    private static final String DIAGONAL = "";

    /** Of the tensor that a {@link io.backpack4j.spi.extension.TensorExtension} exports. */
    static DiagonalBlock of(CurvatureExtension.Site site, Map<String, Tensor> tensors) {
        return new DiagonalBlock(site.backend(), Objects.requireNonNull(tensors.get(DIAGONAL), site.parameter()));
    }

    @Override
    public Shape parameter() {
        return diagonal.shape();
    }

    @Override
    public Map<String, Tensor> tensors() {
        return Map.of(DIAGONAL, diagonal);
    }

    @Override
    public Tensor multiply(TensorScope target, Tensor vectors) {
        return combine(target, BinaryOperation.MULTIPLY, vectors, diagonal);
    }

    @Override
    public DiagonalBlock dampedInverse(TensorScope target, double damping) {
        Tensor inverse = target.allocate(diagonal.shape(), diagonal.dtype());
        backend.elementwise().apply(UnaryOperation.RECIPROCAL, damped(inverse, damping), inverse);
        return new DiagonalBlock(backend, inverse);
    }

    @Override
    public Tensor solve(TensorScope target, Tensor vectors, double damping) {
        try (TensorScope scope = backend.openScope()) {
            Tensor denominators = damped(scope.allocate(diagonal.shape(), diagonal.dtype()), damping);
            return combine(target, BinaryOperation.DIVIDE, vectors, denominators);
        }
    }

    @Override
    public DiagonalBlock copy(TensorScope target) {
        Tensor copy = target.allocate(diagonal.shape(), diagonal.dtype());
        backend.elementwise().copy(diagonal, copy);
        return new DiagonalBlock(backend, copy);
    }

    @Override
    public void average(double keep, CurvatureBlock other) {
        Blocks.average(backend, keep, tensors(), other.tensors());
    }

    @Override
    public DiagonalBlock project(TensorScope target, Projection projection) {
        Tensor projected = target.allocate(diagonal.shape(), diagonal.dtype());
        switch (projection) {
            case ABS -> backend.elementwise().apply(UnaryOperation.ABS, diagonal, projected);
            case CLIP -> {
                try (TensorScope scope = backend.openScope()) {
                    Tensor zero = scope.allocate(Shape.of(), diagonal.dtype());
                    backend.elementwise().fill(zero, 0);
                    backend.elementwise().combine(BinaryOperation.MAXIMUM, diagonal, zero, projected);
                }
            }
        }
        return new DiagonalBlock(backend, projected);
    }

    /** d + λ, above 0. */
    private Tensor damped(Tensor destination, double damping) {
        Blocks.checkDamping(damping);
        backend.elementwise().affine(diagonal, 1, damping, destination);
        if (destination.shape().elements() == 0) {
            return destination;
        }
        try (TensorScope scope = backend.openScope()) {
            Tensor least = scope.allocate(Shape.of(), destination.dtype());
            Tensor all = scope.view(destination, Shape.of(destination.shape().elements()));
            backend.reductions().reduce(Reduction.MINIMUM, all, 0, 1, least);
            double smallest = least.item();
            if (!(smallest > 0)) {
                throw new BackpackException(
                        CommonProblems.NOT_POSITIVE_DEFINITE,
                        "The least element of a diagonal of shape %s, damped by %s, is %s, but must be above 0. Add damping, or take the absolute values of negative curvature."
                                .formatted(diagonal.shape(), damping, smallest));
            }
        }
        return destination;
    }

    private Tensor combine(TensorScope target, BinaryOperation operation, Tensor vectors, Tensor by) {
        Blocks.checkVectors(diagonal.shape(), vectors);
        Tensor result = target.allocate(vectors.shape(), vectors.dtype());
        backend.elementwise().combine(operation, vectors, by, result);
        return result;
    }
}
