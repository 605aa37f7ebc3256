// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.function.Consumer;

/**
 * Neighbouring rows of a parameter, along its first axis.
 *
 * @param from the first row
 * @param to the row behind the last
 */
public record RowBlock(long from, long to) {

    public RowBlock {
        if (from < 0 || to <= from) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "Rows [%d, %d) are none. A block starts at 0 or later, and ends behind its start."
                            .formatted(from, to));
        }
    }

    /** All rows of a parameter that has a first axis. */
    public static RowBlock all(Shape parameter) {
        return new RowBlock(0, parameter.size(0));
    }

    /** The number of rows. */
    public long size() {
        return to - from;
    }

    /** Whether some row is in both. */
    public boolean overlaps(RowBlock other) {
        return from < other.to && other.from < to;
    }

    /** This block, counted from the first row of what {@code outer} is a block of. */
    public RowBlock within(RowBlock outer) {
        return new RowBlock(outer.from + from, outer.from + to);
    }

    /** The shape of the rows of a parameter. */
    public Shape of(Shape parameter) {
        return parameter.with(0, size());
    }

    /**
     * The rows of a tensor {@code [*before, *p]}: a handle that shares memory where the rows lie together, else a copy.
     *
     * @param scope owns the result
     * @param axis the number of axes before the parameter's
     */
    public Tensor read(Backend backend, TensorScope scope, Tensor tensor, int axis) {
        Shape part = tensor.shape().with(axis, size());
        if (liesTogether(tensor, axis)) {
            Tensor rows = scope.view(tensor, tensor.shape().dropFirst(axis));
            return scope.view(scope.rows(rows, from, to), part);
        }
        Tensor copy = scope.allocate(part, tensor.dtype());
        try (TensorScope work = backend.openScope()) {
            Tensor source = work.view(tensor, matrices(tensor.shape(), axis));
            Tensor target = work.view(copy, matrices(part, axis));
            backend.indexing().extract(source, region(source), target);
        }
        return copy;
    }

    /**
     * Writes rows that {@link #read} has copied back to where they come from. Handles that share memory need no
     * writing.
     */
    public void write(Backend backend, Tensor part, Tensor tensor, int axis) {
        if (!liesTogether(tensor, axis)) {
            try (TensorScope work = backend.openScope()) {
                Tensor source = work.view(part, matrices(part.shape(), axis));
                Tensor target = work.view(tensor, matrices(tensor.shape(), axis));
                backend.indexing().insert(source, region(target), target);
            }
        }
    }

    /**
     * Lets somebody add to, or overwrite, the rows of a tensor {@code [*before, *p]}.
     *
     * @param axis the number of axes before the parameter's
     */
    public void update(Backend backend, Tensor tensor, int axis, Consumer<Tensor> writer) {
        try (TensorScope work = backend.openScope()) {
            Tensor part = read(backend, work, tensor, axis);
            writer.accept(part);
            write(backend, part, tensor, axis);
        }
    }

    /** Whether the rows are neighbours in memory. */
    boolean liesTogether(Tensor tensor, int axis) {
        return tensor.shape().elements(0, axis) == 1;
    }

    private Region region(Tensor matrices) {
        return Region.all(matrices.shape()).with(1, from, size());
    }

    private static Shape matrices(Shape shape, int axis) {
        return Shape.of(shape.elements(0, axis), shape.size(axis), shape.elements(axis + 1, shape.rank()));
    }
}
