// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.stream.LongStream;

/**
 * What a module adds to the Hessian of the loss at its inputs. With output y and the loss's gradient g there it is R_n
 * = Σ_o g_no ∇²y_no, the derivatives taken by all inputs of sample n jointly, as columns r and weights w: R_n = Σ_v
 * w_vn r_vn r_vnᵀ.
 */
public sealed interface Curvature {

    /** The curvature of a module that is affine in its inputs. */
    static Curvature zero() {
        return new Zero();
    }

    /** How many columns there are; known from shapes alone. Zero for no curvature. */
    long columns();

    /**
     * Some of the columns. Never all at once unless asked.
     *
     * @param context where they are allocated
     * @param from the first column
     * @param to the column behind the last
     */
    Columns columns(EvaluationContext context, long from, long to);

    /**
     * How the elements of one sample fall into parts between which there is no second derivative: R_n is block
     * diagonal, with a block per part. As many parts in every input.
     *
     * @return one per input; empty, as by default, if any elements may be coupled
     */
    default List<Parts> parts() {
        return List.of();
    }

    /**
     * An input's elements as {@code [before, first, between, second]}: those of a part have equal positions along the
     * axes {@code first} and {@code second}.
     */
    record Parts(long before, long first, long between, long second) {

        /** All elements in one part. */
        public static Parts whole(Shape sample) {
            return new Parts(1, 1, sample.elements(), 1);
        }

        /** The number of parts. */
        public long count() {
            return first * second;
        }

        /** The number of elements of each. */
        public long size() {
            return before * between;
        }
    }

    /**
     * Columns with their weights.
     *
     * @param inputs r_vn, per input {@code [V, N, *in_i]}
     * @param weights w_vn, {@code [V, N]}, of either sign
     */
    record Columns(List<Tensor> inputs, Tensor weights) {

        public Columns {
            inputs = List.copyOf(inputs);
        }

        /**
         * Unit vectors, weighted with a diagonal: Σ_v d_nv e_v e_vᵀ.
         *
         * @param scope where they are allocated
         * @param diagonal d, {@code [N, *in]}
         * @param from the first element of a sample
         * @param to the element behind the last
         */
        public static Columns ofDiagonal(Backend backend, TensorScope scope, Tensor diagonal, long from, long to) {
            Shape shape = diagonal.shape();
            long samples = shape.size(0);
            long elements = shape.elements(1, shape.rank());
            long count = to - from;
            Tensor vectors = scope.allocate(shape.prepend(count), diagonal.dtype());
            Tensor weights = scope.allocate(Shape.of(count, samples), diagonal.dtype());
            try (TensorScope step = backend.openScope()) {
                Tensor rows = step.allocate(Shape.of(count, elements), diagonal.dtype());
                backend.elementwise().fill(rows, 0);
                Tensor positions = step.allocate(Shape.of(count), DType.INT64);
                positions.write(0, LongStream.range(from, to).toArray(), 0, (int) count);
                backend.indexing().addAt(positions, 1, 1, rows);
                Tensor zeros = step.allocate(Shape.of(samples, 1), diagonal.dtype());
                backend.elementwise().fill(zeros, 0);
                Tensor ofColumns = step.view(rows, Shape.of(count, 1, elements));
                Tensor target = step.view(vectors, Shape.of(count, samples, elements));
                backend.elementwise().combine(BinaryOperation.ADD, ofColumns, zeros, target);
                Tensor bySample = step.view(diagonal, Shape.of(samples, elements));
                Region region = Region.all(bySample.shape()).with(1, from, count);
                Tensor part = step.allocate(region.shape(), diagonal.dtype());
                backend.indexing().extract(bySample, region, part);
                backend.indexing().permute(part, new int[] {1, 0}, weights);
            }
            return new Columns(List.of(vectors), weights);
        }
    }

    /** None. */
    record Zero() implements Curvature {

        @Override
        public long columns() {
            return 0;
        }

        @Override
        public Columns columns(EvaluationContext context, long from, long to) {
            throw new IllegalStateException("There are no columns");
        }
    }

    /**
     * That of a module with one input, of the output's shape, that treats every element on its own: R_n is diagonal.
     * The columns are unit vectors.
     *
     * @param diagonal f''(x) ⊙ g, {@code [N, *in]}, alive as long as the curvature
     */
    record Diagonal(Tensor diagonal) implements Curvature {

        @Override
        public long columns() {
            return diagonal.shape().elements(1, diagonal.shape().rank());
        }

        @Override
        public Columns columns(EvaluationContext context, long from, long to) {
            return Columns.ofDiagonal(context.backend(), context.scope(), diagonal, from, to);
        }
    }

    /**
     * Any other, such as that of a product, which couples its inputs. May use what the evaluation keeps for the way
     * back.
     */
    non-sealed interface Factor extends Curvature {}
}
