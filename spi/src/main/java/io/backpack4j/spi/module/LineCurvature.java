// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

import io.backpack4j.spi.Experimental;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.Optional;
import java.util.stream.LongStream;

/**
 * The curvature of a module with one input that treats lines along an axis on their own, as softmax and normalisations
 * do: a diagonal and, for every line, a few weighted outer products of vectors on that line, R_n = diag(d_n) + Σ_lines
 * Σ_k w_nk r_nk r_nkᵀ. The columns are unit vectors first, if there is a diagonal, then the vectors of the first kind
 * of all lines, and so on.
 *
 * @param input the shape of the inputs, {@code [N, *in]}
 * @param lines the same elements as {@code [N, outer, length, inner]}: there are outer · inner lines
 * @param diagonal d, {@code [N, *in]}, or nothing
 * @param vectors the kinds of vectors
 */
@Experimental
public record LineCurvature(Shape input, Shape lines, Optional<Tensor> diagonal, List<Vectors> vectors)
        implements Curvature.Factor {

    /**
     * A vector and a weight per line.
     *
     * @param values r, {@code [N, outer, length, inner]}, alive as long as the curvature
     * @param weights w, {@code [N, outer, 1, inner]}, of either sign, alive as long as the curvature
     */
    public record Vectors(Tensor values, Tensor weights) {}

    public LineCurvature {
        vectors = List.copyOf(vectors);
    }

    @Override
    public long columns() {
        return units() + vectors.size() * count();
    }

    /** A part per line. */
    @Override
    public List<Parts> parts() {
        return List.of(new Parts(1, lines.size(1), lines.size(2), lines.size(3)));
    }

    private long units() {
        return diagonal.isPresent() ? lines.elements(1, 4) : 0;
    }

    private long count() {
        return lines.size(1) * lines.size(3);
    }

    @Override
    public Columns columns(EvaluationContext context, long from, long to) {
        if (to <= units()) {
            return Columns.ofDiagonal(context.backend(), context.scope(), diagonal.orElseThrow(), from, to);
        }
        Backend backend = context.backend();
        DType dtype = vectors.get(0).values().dtype();
        Tensor columns = context.scope().allocate(input.prepend(to - from), dtype);
        Tensor weights = context.scope().allocate(Shape.of(to - from, input.size(0)), dtype);
        if (from < units()) {
            try (TensorScope scope = backend.openScope()) {
                Columns first = Columns.ofDiagonal(backend, scope, diagonal.orElseThrow(), from, units());
                long end = units() - from;
                backend.elementwise().copy(first.inputs().get(0), scope.rows(columns, 0, end));
                backend.elementwise().copy(first.weights(), scope.rows(weights, 0, end));
            }
        }
        for (long start = Math.max(from, units()); start < to; ) {
            long kind = (start - units()) / count();
            long firstOfKind = units() + kind * count();
            long end = Math.min(to, firstOfKind + count());
            try (TensorScope scope = backend.openScope()) {
                write(
                        backend,
                        vectors.get((int) kind),
                        start - firstOfKind,
                        scope.rows(columns, start - from, end - from),
                        scope.rows(weights, start - from, end - from));
            }
            start = end;
        }
        return new Columns(List.of(columns), weights);
    }

    /** Writes the vectors of some lines, from {@code first} on, each zero elsewhere. */
    private void write(Backend backend, Vectors kind, long first, Tensor columns, Tensor weights) {
        long some = columns.shape().size(0);
        long samples = input.size(0);
        try (TensorScope scope = backend.openScope()) {
            Tensor masks = scope.allocate(Shape.of(some, count()), columns.dtype());
            backend.elementwise().fill(masks, 0);
            Tensor positions = scope.allocate(Shape.of(some), DType.INT64);
            positions.write(0, LongStream.range(first, first + some).toArray(), 0, (int) some);
            backend.indexing().addAt(positions, 1, 1, masks);
            Tensor ofLines = scope.view(masks, Shape.of(some, 1, lines.size(1), 1, lines.size(3)));
            Tensor target = scope.view(columns, lines.prepend(some));
            backend.elementwise().combine(BinaryOperation.MULTIPLY, ofLines, kind.values(), target);
            Tensor bySample = scope.view(kind.weights(), Shape.of(samples, count()));
            Region region = Region.all(bySample.shape()).with(1, first, some);
            Tensor part = scope.allocate(region.shape(), columns.dtype());
            backend.indexing().extract(bySample, region, part);
            backend.indexing().permute(part, new int[] {1, 0}, weights);
        }
    }

    /**
     * The two kinds that make w (a bᵀ + b aᵀ), as v/2 (a/|a| + b/|b|)(a/|a| + b/|b|)ᵀ − v/2 (a/|a| − b/|b|)(a/|a| −
     * b/|b|)ᵀ with v = w |a| |b|, so that no digits are lost where one vector is far smaller than the other.
     *
     * @param context where they are allocated
     * @param a of every line, {@code [N, outer, length, inner]}
     * @param b of every line, {@code [N, outer, length, inner]}
     * @param weights w, {@code [N, outer, 1, inner]}
     */
    public static List<Vectors> mixed(EvaluationContext context, Tensor a, Tensor b, Tensor weights) {
        Elementwise ops = context.backend().elementwise();
        TensorScope scope = context.scope();
        Tensor plus = scope.allocate(a.shape(), a.dtype());
        Tensor minus = scope.allocate(a.shape(), a.dtype());
        Tensor half = scope.allocate(weights.shape(), a.dtype());
        Tensor minusHalf = scope.allocate(weights.shape(), a.dtype());
        try (TensorScope step = context.backend().openScope()) {
            Lines lines = new Lines(context.backend(), step);
            Tensor other = step.allocate(a.shape(), a.dtype());
            Tensor lengthA = length(lines, step, a);
            Tensor lengthB = length(lines, step, b);
            ops.combine(BinaryOperation.DIVIDE, a, lengthA, plus);
            ops.combine(BinaryOperation.DIVIDE, b, lengthB, other);
            ops.combine(BinaryOperation.SUBTRACT, plus, other, minus);
            ops.addScaled(1, other, plus);
            ops.combine(BinaryOperation.MULTIPLY, weights, lengthA, half);
            ops.combine(BinaryOperation.MULTIPLY, half, lengthB, half);
            ops.affine(half, 0.5, 0, half);
            ops.affine(half, -1, 0, minusHalf);
        }
        return List.of(new Vectors(plus, half), new Vectors(minus, minusHalf));
    }

    /** The Euclidean length, but not 0. What it is matters for rounding only. */
    private static Tensor length(Lines lines, TensorScope scope, Tensor vectors) {
        Elementwise ops = lines.backend().elementwise();
        Tensor length = lines.dot(vectors, vectors);
        Tensor least = scope.allocate(Shape.of(), vectors.dtype());
        ops.fill(least, 1e-30);
        ops.apply(UnaryOperation.SQRT, length, length);
        ops.combine(BinaryOperation.MAXIMUM, length, least, length);
        return length;
    }
}
