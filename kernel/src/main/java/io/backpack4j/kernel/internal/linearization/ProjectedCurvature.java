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

/**
 * Contribution of one node to the Hessian at its inputs, projected on the positive semidefinite matrices: R_n⁺ in
 * products R_n⁺ ẋ_vn.
 */
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
        for (int input = 0; input < shapes.size(); input++) {
            if (moving.get(input)) {
                ranges.add(new InputRange(input, size, shapes.get(input)));
                size += shapes.get(input).elements();
            }
        }
        if (size > MOST_ELEMENTS) {
            throw new BackpackException(
                    CommonProblems.TOO_LARGE,
                    "The second derivative couples %d elements of its inputs, and a positive semidefinite projection takes an eigendecomposition of that size for every sample. Possible are up to %d. Use the Gauss-Newton matrix or the Hessian."
                            .formatted(size, MOST_ELEMENTS));
        }
        return new Dense(ranges, Dense.projected(context, curvature, projection, ranges, size, samples, dtype));
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
     * Curvature of a node that treats every element on its own.
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
     * Place of an input in a matrix.
     *
     * @param input the number of the input
     * @param start its first row
     * @param shape the shape of one sample of it
     */
    record InputRange(int input, long start, Shape shape) {

        Region in(Shape rows) {
            return Region.all(rows).with(2, start, shape.elements());
        }
    }

    /**
     * Curvature of any other node.
     *
     * @param ranges the inputs that move, side by side
     * @param matrices {@code [n, D, D]}
     */
    record Dense(List<InputRange> ranges, Tensor matrices) implements ProjectedCurvature {

        /** Σ_v w_vn r_vn r_vnᵀ, its eigenvalues projected. */
        static Tensor projected(
                EvaluationContext context,
                Curvature curvature,
                Projection projection,
                List<InputRange> ranges,
                long size,
                long samples,
                DType dtype) {
            Backend backend = context.backend();
            Shape shape = Shape.of(samples, size, size);
            Tensor result = context.scope().allocate(shape, dtype);
            try (TensorScope scope = backend.openScope()) {
                Tensor matrices = scope.allocate(shape, dtype);
                backend.elementwise().fill(matrices, 0);
                long width = Math.max(1, Math.min(curvature.columns(), size));
                for (long from = 0; from < curvature.columns(); from += width) {
                    long to = Math.min(curvature.columns(), from + width);
                    add(context, curvature, ranges, from, to, matrices);
                }
                Tensor values = scope.allocate(Shape.of(samples, size), dtype);
                Tensor vectors = scope.allocate(shape, dtype);
                backend.decompositions().symmetricEigen(matrices, values, vectors);
                project(backend, projection, values, values);
                Tensor scaled = matrices;
                backend.elementwise()
                        .combine(
                                BinaryOperation.MULTIPLY,
                                vectors,
                                scope.view(values, Shape.of(samples, 1, size)),
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
            long samples = matrices.shape().size(0);
            long size = matrices.shape().size(1);
            try (TensorScope scope = backend.openScope()) {
                Curvature.Columns columns = curvature.columns(context, from, to);
                columns.inputs().forEach(scope::adopt);
                scope.adopt(columns.weights());
                Tensor rows = scope.allocate(Shape.of(to - from, samples, size), matrices.dtype());
                for (InputRange range : ranges) {
                    Tensor ofInput = scope.view(
                            columns.inputs().get(range.input()),
                            Shape.of(to - from, samples, range.shape().elements()));
                    backend.indexing().insert(ofInput, range.in(rows.shape()), rows);
                }
                Tensor weighted = scope.allocate(rows.shape(), rows.dtype());
                Tensor weights = scope.view(columns.weights(), Shape.of(to - from, samples, 1));
                backend.elementwise().combine(BinaryOperation.MULTIPLY, rows, weights, weighted);
                Tensor left = bySample(scope, backend, weighted);
                Tensor right = bySample(scope, backend, rows);
                backend.products().multiply(left, true, right, false, 1, 1, matrices);
            }
        }

        /** {@code [V, n, D]} as {@code [n, V, D]}. */
        private static Tensor bySample(TensorScope scope, Backend backend, Tensor rows) {
            Shape shape = rows.shape();
            Tensor swapped = scope.allocate(Shape.of(shape.size(1), shape.size(0), shape.size(2)), rows.dtype());
            backend.indexing().permute(rows, new int[] {1, 0, 2}, swapped);
            return swapped;
        }

        @Override
        public List<Optional<Tensor>> multiply(Tangents tangents, Backend backend, TensorScope scope) {
            List<Optional<Tensor>> products = new ArrayList<>();
            tangents.inputs().forEach(input -> products.add(Optional.empty()));
            long samples = matrices.shape().size(0);
            try (TensorScope work = backend.openScope()) {
                Tensor rows = work.allocate(
                        Shape.of(tangents.columns(), samples, matrices.shape().size(1)), matrices.dtype());
                backend.elementwise().fill(rows, 0);
                for (InputRange range : ranges) {
                    Region region = range.in(rows.shape());
                    tangents.input(range.input())
                            .ifPresent(tangent ->
                                    backend.indexing().insert(work.view(tangent, region.shape()), region, rows));
                }
                Tensor vectors = bySample(work, backend, rows);
                Tensor multiplied = work.allocate(vectors.shape(), vectors.dtype());
                backend.products().multiply(vectors, false, matrices, false, 1, 0, multiplied);
                Tensor back = bySample(work, backend, multiplied);
                for (InputRange range : ranges) {
                    Tensor product =
                            scope.allocate(range.shape().prepend(tangents.columns(), samples), matrices.dtype());
                    Region region = range.in(back.shape());
                    backend.indexing().extract(back, region, work.view(product, region.shape()));
                    products.set(range.input(), Optional.of(product));
                }
            }
            return products;
        }
    }
}
