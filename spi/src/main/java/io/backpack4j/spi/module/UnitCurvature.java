// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.backend.RandomKey;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The curvature of any module with second derivatives, made of its {@link Evaluation#pullbackTangent}: with e for the
 * unit vectors of some inputs, R = Σ_e e b_eᵀ + b_e eᵀ where b_e is R e, half of it at those inputs. Every e makes two
 * columns, b̂_e + e and b̂_e − e with b̂_e of length 1, weighted with ±|b_e|/2. Nothing but the columns that are asked
 * for is ever in memory.
 *
 * @param evaluation the module's, alive as long as the curvature
 * @param cotangents the loss's gradient at the output, {@code [1, N, *out]}, alive as long as the curvature
 * @param inputs the shapes of one sample's inputs
 * @param units the inputs whose elements have a column pair; among all others there must be no second derivative, and
 *     those that hold integers are none
 * @param parts see {@link Curvature#parts}
 */
public record UnitCurvature(
        Evaluation evaluation, Tensor cotangents, List<Shape> inputs, List<Integer> units, List<Parts> parts)
        implements Curvature.Factor {

    /** What a length is at least, so that nothing is divided by 0. What it is matters for rounding only. */
    private static final double LEAST = 1e-30;

    public UnitCurvature {
        inputs = List.copyOf(inputs);
        units = List.copyOf(units);
        parts = List.copyOf(parts);
    }

    /**
     * The curvature of an evaluation. Cotangents need not live as long as it does.
     *
     * @param context where it is kept
     */
    public static UnitCurvature of(
            EvaluationContext context,
            Evaluation evaluation,
            Tensor cotangents,
            List<Shape> inputs,
            List<Integer> units,
            List<Parts> parts) {
        Tensor kept = context.scope().view(cotangents, cotangents.shape());
        return new UnitCurvature(evaluation, kept, inputs, units, parts);
    }

    @Override
    public long columns() {
        return 2
                * units.stream()
                        .mapToLong(input -> inputs.get(input).elements())
                        .sum();
    }

    @Override
    public Columns columns(EvaluationContext context, long from, long to) {
        if (from % 2 == 0 && to % 2 == 0) {
            return pairs(context, from / 2, to / 2);
        }
        Columns columns = allocate(context, to - from);
        try (TensorScope scope = context.backend().openScope()) {
            Columns whole = pairs(new Within(context, scope), from / 2, (to + 1) / 2);
            for (int input = 0; input < inputs.size(); input++) {
                copy(
                        context.backend(),
                        scope,
                        whole.inputs().get(input),
                        from % 2,
                        columns.inputs().get(input));
            }
            copy(context.backend(), scope, whole.weights(), from % 2, columns.weights());
        }
        return columns;
    }

    private static void copy(Backend backend, TensorScope scope, Tensor source, long from, Tensor destination) {
        Tensor part = scope.rows(source, from, from + destination.shape().size(0));
        backend.elementwise().copy(part, destination);
    }

    /** The columns of all pairs {@code from} to {@code to}. */
    private Columns pairs(EvaluationContext context, long from, long to) {
        Columns columns = allocate(context, 2 * (to - from));
        long start = 0;
        for (int input : units) {
            long end = start + inputs.get(input).elements();
            long low = Math.max(start, from);
            long high = Math.min(end, to);
            if (low < high) {
                write(context, input, low - start, high - start, low - from, columns);
            }
            start = end;
        }
        return columns;
    }

    private Columns allocate(EvaluationContext context, long columns) {
        long samples = cotangents.shape().size(1);
        List<Tensor> tensors = new ArrayList<>();
        for (Shape input : inputs) {
            tensors.add(context.scope().allocate(input.prepend(columns, samples), cotangents.dtype()));
        }
        return new Columns(tensors, context.scope().allocate(Shape.of(columns, samples), cotangents.dtype()));
    }

    /**
     * Writes the pairs of units {@code from} to {@code to} of an input, from pair {@code first} of the destination on.
     */
    private void write(EvaluationContext context, int input, long from, long to, long first, Columns destination) {
        Backend backend = context.backend();
        Elementwise ops = backend.elementwise();
        long samples = cotangents.shape().size(1);
        long count = to - from;
        try (TensorScope scope = backend.openScope()) {
            Tensor ones = scope.allocate(inputs.get(input).prepend(samples), cotangents.dtype());
            ops.fill(ones, 1);
            Tensor unit =
                    Columns.ofDiagonal(backend, scope, ones, from, to).inputs().get(0);
            List<Optional<Tensor>> moving = new ArrayList<>(Collections.nCopies(inputs.size(), Optional.empty()));
            moving.set(input, Optional.of(unit));
            PullbackTangent changes = evaluation.pullbackTangent(
                    new Within(context, scope), cotangents, new Tangents(count, moving, Map.of()));
            List<Optional<Tensor>> products = new ArrayList<>();
            Tensor lengths = scope.allocate(Shape.of(count, samples), cotangents.dtype());
            ops.fill(lengths, 0);
            for (int other = 0; other < inputs.size(); other++) {
                Optional<Tensor> product = changes.input(other);
                if (product.isPresent() && units.contains(other)) {
                    Tensor half =
                            scope.allocate(product.get().shape(), product.get().dtype());
                    ops.affine(product.get(), 0.5, 0, half);
                    product = Optional.of(half);
                }
                product.ifPresent(values -> addSquares(backend, values, lengths));
                products.add(product);
            }
            Tensor least = scope.allocate(Shape.of(), cotangents.dtype());
            ops.fill(least, LEAST);
            ops.apply(UnaryOperation.SQRT, lengths, lengths);
            ops.combine(BinaryOperation.MAXIMUM, lengths, least, lengths);
            for (int other = 0; other < inputs.size(); other++) {
                Tensor sum = scope.allocate(inputs.get(other).prepend(count, samples), cotangents.dtype());
                if (products.get(other).isPresent()) {
                    Shape flat = Shape.of(count, samples, inputs.get(other).elements());
                    Tensor stretched = scope.view(lengths, Shape.of(count, samples, 1));
                    ops.combine(
                            BinaryOperation.DIVIDE,
                            scope.view(products.get(other).get(), flat),
                            stretched,
                            scope.view(sum, flat));
                } else {
                    ops.fill(sum, 0);
                }
                Tensor target = destination.inputs().get(other);
                if (other == input) {
                    ops.addScaled(1, unit, sum);
                    insert(backend, sum, first, 0, target);
                    ops.addScaled(-2, unit, sum);
                } else {
                    insert(backend, sum, first, 0, target);
                }
                insert(backend, sum, first, 1, target);
            }
            ops.affine(lengths, 0.5, 0, lengths);
            insert(backend, lengths, first, 0, destination.weights());
            ops.affine(lengths, -1, 0, lengths);
            insert(backend, lengths, first, 1, destination.weights());
        }
    }

    /** lengths += Σ values², of {@code [V, N, *in]}. */
    private static void addSquares(Backend backend, Tensor values, Tensor lengths) {
        try (TensorScope scope = backend.openScope()) {
            long elements = values.shape().elements(2, values.shape().rank());
            Tensor line = scope.view(values, lengths.shape().append(elements, 1));
            Tensor squares = new Lines(backend, scope).dot(line, line);
            backend.elementwise().addScaled(1, scope.view(squares, lengths.shape()), lengths);
        }
    }

    /** Writes every row of {@code part} into every second row of the destination, from pair {@code first} on. */
    private static void insert(Backend backend, Tensor part, long first, long which, Tensor destination) {
        long pairs = destination.shape().size(0) / 2;
        long count = part.shape().size(0);
        long elements = part.shape().elements(1, part.shape().rank());
        try (TensorScope scope = backend.openScope()) {
            Tensor target = scope.view(destination, Shape.of(pairs, 2, elements));
            Region region = Region.all(target.shape()).with(0, first, count).with(1, which, 1);
            backend.indexing().insert(scope.view(part, region.shape()), region, target);
        }
    }

    /** A context with another scope. */
    private record Within(EvaluationContext outer, TensorScope scope) implements EvaluationContext {

        @Override
        public Backend backend() {
            return outer.backend();
        }

        @Override
        public long[] sampleIds() {
            return outer.sampleIds();
        }

        @Override
        public RandomKey randomKey() {
            return outer.randomKey();
        }
    }
}
