// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.linearization;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.extension.CurvatureMatrix.Projection;
import io.backpack4j.spi.module.Curvature;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Tangents;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Contribution of one node to the Hessian at its inputs, projected: R_n⁺ in products R_n⁺ ẋ_vn. */
sealed interface ProjectedCurvature {

    /** Eigendecompositions of larger matrices, one per sample, are not worth waiting for. */
    long MOST_ELEMENTS = 4096;

    /** The products with tangents of the node's inputs, one per input, allocated in the scope. */
    List<Optional<Tensor>> multiply(Tangents tangents, Backend backend, TensorScope scope);

    /**
     * Projects.
     *
     * @param context where it is kept
     * @param moving per input of the node, whether it moves at all; the others are no part of the matrix
     * @param shapes the shapes of one sample's inputs
     */
    static ProjectedCurvature of(
            EvaluationContext context,
            Curvature curvature,
            Projection projection,
            List<Boolean> moving,
            List<Shape> shapes,
            long samples,
            DType dtype) {
        if (curvature instanceof Curvature.Diagonal diagonal) {
            Tensor projected = context.scope()
                    .allocate(diagonal.diagonal().shape(), diagonal.diagonal().dtype());
            project(context.backend(), projection, diagonal.diagonal(), projected);
            return new Diagonal(projected);
        }
        List<InputRange> ranges = new ArrayList<>();
        long size = 0;
        long count = 1;
        for (int input = 0; input < shapes.size(); input++) {
            if (moving.get(input)) {
                Shape shape = shapes.get(input);
                Curvature.Parts parts = curvature.parts().isEmpty()
                        ? Curvature.Parts.whole(shape)
                        : curvature.parts().get(input);
                ranges.add(new InputRange(input, size, shape, parts));
                size += parts.size();
                count = parts.count();
            }
        }
        if (size > MOST_ELEMENTS) {
            throw new BackpackException(
                    CommonProblems.TOO_LARGE,
                    "The second derivative couples %d elements of its inputs, and a positive semidefinite projection takes %d eigendecomposition(s) of that size for every sample, of %d MiB each. Possible are up to %d. Use the Gauss-Newton matrix or the Hessian."
                            .formatted(size, count, (size * size * dtype.bytes()) >> 20, MOST_ELEMENTS));
        }
        return new Dense(ranges, Dense.projected(context, curvature, projection, ranges, count * samples, size, dtype));
    }

    private static void project(Backend backend, Projection projection, Tensor values, Tensor destination) {
        if (projection == Projection.ABS) {
            backend.elementwise().apply(UnaryOperation.ABS, values, destination);
            return;
        }
        try (TensorScope scope = backend.openScope()) {
            Tensor positive = scope.allocate(values.shape(), values.dtype());
            backend.elementwise().apply(UnaryOperation.POSITIVE, values, positive);
            backend.elementwise().combine(BinaryOperation.MULTIPLY, values, positive, destination);
        }
    }

    /**
     * Of a node that treats every element on its own.
     *
     * @param diagonal {@code [n, *in]}, not negative
     */
    record Diagonal(Tensor diagonal) implements ProjectedCurvature {

        @Override
        public List<Optional<Tensor>> multiply(Tangents tangents, Backend backend, TensorScope scope) {
            return List.of(tangents.input(0).map(tangent -> {
                Tensor product = scope.allocate(tangent.shape(), tangent.dtype());
                backend.elementwise().combine(BinaryOperation.MULTIPLY, tangent, diagonal, product);
                return product;
            }));
        }
    }

    /**
     * Where an input stands in the matrices.
     *
     * @param input the number of the input
     * @param start its first row
     * @param shape the shape of one sample of it
     * @param parts how its elements are split over matrices
     */
    record InputRange(int input, long start, Shape shape, Curvature.Parts parts) {

        Region in(Shape rows) {
            return Region.all(rows).with(2, start, parts.size());
        }

        /** {@code [V, n, *in]} as {@code [n · parts, V, size]}. */
        Tensor split(TensorScope scope, Backend backend, Tensor columns) {
            long count = columns.shape().size(0);
            long samples = columns.shape().size(1);
            Tensor result = scope.allocate(Shape.of(samples * parts.count(), count, parts.size()), columns.dtype());
            backend.indexing()
                    .permute(
                            scope.view(columns, apart(count, samples)),
                            new int[] {1, 3, 5, 0, 2, 4},
                            scope.view(result, together(count, samples)));
            return result;
        }

        /** The way back from {@link #split}. */
        Tensor join(TensorScope scope, Backend backend, Tensor split, long samples) {
            long count = split.shape().size(1);
            Tensor result = scope.allocate(shape.prepend(count, samples), split.dtype());
            try (TensorScope work = backend.openScope()) {
                backend.indexing()
                        .permute(
                                work.view(split, together(count, samples)),
                                new int[] {3, 0, 4, 1, 5, 2},
                                work.view(result, apart(count, samples)));
            }
            return result;
        }

        private Shape apart(long count, long samples) {
            return Shape.of(count, samples, parts.before(), parts.first(), parts.between(), parts.second());
        }

        private Shape together(long count, long samples) {
            return Shape.of(samples, parts.first(), parts.second(), count, parts.before(), parts.between());
        }
    }

    /**
     * Of any other node.
     *
     * @param ranges the inputs that move, side by side
     * @param matrices one per sample and part, {@code [n · parts, D, D]}
     */
    record Dense(List<InputRange> ranges, Tensor matrices) implements ProjectedCurvature {

        /** Σ_v w_vn r_vn r_vnᵀ, its eigenvalues projected. */
        static Tensor projected(
                EvaluationContext context,
                Curvature curvature,
                Projection projection,
                List<InputRange> ranges,
                long count,
                long size,
                DType dtype) {
            Backend backend = context.backend();
            Shape shape = Shape.of(count, size, size);
            Tensor result = context.scope().allocate(shape, dtype);
            try (TensorScope scope = backend.openScope()) {
                Tensor matrices = scope.allocate(shape, dtype);
                backend.elementwise().fill(matrices, 0);
                long width = Math.max(1, Math.min(curvature.columns(), size));
                for (long from = 0; from < curvature.columns(); from += width) {
                    long to = Math.min(curvature.columns(), from + width);
                    add(context, curvature, ranges, from, to, matrices);
                }
                Tensor values = scope.allocate(Shape.of(count, size), dtype);
                Tensor vectors = scope.allocate(shape, dtype);
                backend.decompositions().symmetricEigen(matrices, values, vectors);
                project(backend, projection, values, values);
                Tensor scaled = matrices;
                backend.elementwise()
                        .combine(
                                BinaryOperation.MULTIPLY,
                                vectors,
                                scope.view(values, Shape.of(count, 1, size)),
                                scaled);
                backend.products().multiply(scaled, false, vectors, true, 1, 0, result);
            }
            return result;
        }

        private static void add(
                EvaluationContext context,
                Curvature curvature,
                List<InputRange> ranges,
                long from,
                long to,
                Tensor matrices) {
            Backend backend = context.backend();
            long count = matrices.shape().size(0);
            long size = matrices.shape().size(1);
            try (TensorScope scope = backend.openScope()) {
                Curvature.Columns columns = curvature.columns(context, from, to);
                columns.inputs().forEach(scope::adopt);
                scope.adopt(columns.weights());
                Tensor rows = scope.allocate(Shape.of(count, to - from, size), matrices.dtype());
                for (InputRange range : ranges) {
                    Tensor ofInput = columns.inputs().get(range.input());
                    backend.indexing().insert(range.split(scope, backend, ofInput), range.in(rows.shape()), rows);
                }
                long samples = columns.weights().shape().size(1);
                Tensor weights = scope.allocate(Shape.of(samples, to - from), rows.dtype());
                backend.indexing().permute(columns.weights(), new int[] {1, 0}, weights);
                Shape ofSamples = Shape.of(samples, count / samples, to - from, size);
                Tensor weighted = scope.allocate(rows.shape(), rows.dtype());
                backend.elementwise()
                        .combine(
                                BinaryOperation.MULTIPLY,
                                scope.view(rows, ofSamples),
                                scope.view(weights, Shape.of(samples, 1, to - from, 1)),
                                scope.view(weighted, ofSamples));
                backend.products().multiply(weighted, true, rows, false, 1, 1, matrices);
            }
        }

        @Override
        public List<Optional<Tensor>> multiply(Tangents tangents, Backend backend, TensorScope scope) {
            List<Optional<Tensor>> products = new ArrayList<>();
            tangents.inputs().forEach(input -> products.add(Optional.empty()));
            try (TensorScope work = backend.openScope()) {
                long count = matrices.shape().size(0);
                Shape shape =
                        Shape.of(count, tangents.columns(), matrices.shape().size(1));
                Tensor vectors = work.allocate(shape, matrices.dtype());
                backend.elementwise().fill(vectors, 0);
                for (InputRange range : ranges) {
                    tangents.input(range.input())
                            .ifPresent(tangent -> backend.indexing()
                                    .insert(range.split(work, backend, tangent), range.in(shape), vectors));
                }
                Tensor multiplied = work.allocate(shape, vectors.dtype());
                backend.products().multiply(vectors, false, matrices, false, 1, 0, multiplied);
                for (InputRange range : ranges) {
                    Region region = range.in(shape);
                    Tensor part = work.allocate(region.shape(), vectors.dtype());
                    backend.indexing().extract(multiplied, region, part);
                    long samples = count / range.parts().count();
                    products.set(range.input(), Optional.of(range.join(scope, backend, part, samples)));
                }
            }
            return products;
        }
    }
}
