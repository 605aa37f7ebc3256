// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend;

import io.backpack4j.spi.backend.portable.PortableDifferences;
import io.backpack4j.spi.backend.portable.PortableHistograms;
import io.backpack4j.spi.backend.portable.PortableTotals;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Collection;
import java.util.List;

/** Operations that make many elements one. */
public interface Reductions {

    /** The backend of this group, for the defaults. */
    Backend backend();

    /**
     * Reduces the axes {@code from} (inclusive) to {@code to} (exclusive), which neighbour each other.
     *
     * @param x any floating tensor; MAXIMUM and MINIMUM of nothing are an error, the sum of nothing is 0
     * @param destination with the shape of {@code x} less those axes
     */
    void reduce(Reduction reduction, Tensor x, int from, int to, Tensor destination);

    /**
     * destination = the sum of all elements, added up in double precision whatever the type.
     *
     * @param destination {@code []}
     */
    default void total(Tensor x, Tensor destination) {
        PortableTotals.total(backend(), x, destination);
    }

    /**
     * destination[i] = (Σ d², Σ d · along) of the i-th difference d, rounded to its type; 0 where nothing is along.
     * Added up as exactly as in double precision whatever the type. A backend that does all at once saves walks through
     * memory and meetings of its threads.
     *
     * @param differences of one type, whose destinations are no operands of others
     * @param destination {@code [differences, 2]} of that type
     */
    default void measure(List<Difference> differences, Tensor destination) {
        PortableDifferences.measure(backend(), differences, destination);
    }

    /** Whether all elements are finite. */
    boolean allFinite(Tensor x);

    /** Whether all elements of several floating tensors are finite; a device answers once. */
    default boolean allFinite(Collection<Tensor> tensors) {
        for (Tensor tensor : tensors) {
            if (!allFinite(tensor)) {
                return false;
            }
        }
        return true;
    }

    /**
     * Adds to the counts of equal bins. {@link Bins} says which bin a number is in.
     *
     * @param x any floating tensor
     * @param range {@code [2]} of the type of {@code x}: the outer edges of the first and the last bin, before they are
     *     multiplied by the factor
     * @param factor of the range
     * @param counts INT64 {@code [bins + 1]}; the last counts elements that are NaN
     */
    default void addHistogram(Tensor x, Tensor range, double factor, Tensor counts) {
        new PortableHistograms(x).add(range, factor, counts);
    }

    /**
     * Adds to the counts of pairs of an element and a value.
     *
     * @param x any floating tensor
     * @param values of the type of {@code x}, whose element i mod P belongs to element i of {@code x}; their number P
     *     divides that of the elements
     * @param ranges {@code [2, 2]} of that type: the outer edges of the elements' bins, before they are multiplied by
     *     the factor, then those of the values'
     * @param factor of the elements' range
     * @param counts INT64 {@code [bins + 1, bins of values + 1]}; the last row counts elements that are NaN, the last
     *     column values that are
     */
    default void addJointHistogram(Tensor x, Tensor values, Tensor ranges, double factor, Tensor counts) {
        new PortableHistograms(x).addJoint(values, ranges, factor, counts);
    }

    /** destination = x − log Σ exp(x), the sum running over {@code axis}. */
    default void logSoftmax(Tensor x, int axis, Tensor destination) {
        var ops = backend().elementwise();
        Shape reduced = x.shape().with(axis, 1);
        Shape dropped = x.shape().slice(0, axis);
        for (int i = axis + 1; i < x.shape().rank(); i++) {
            dropped = dropped.append(x.shape().size(i));
        }
        try (var scope = backend().openScope()) {
            Tensor perPosition = scope.allocate(dropped, x.dtype());
            Tensor stretched = scope.view(perPosition, reduced);
            reduce(Reduction.MAXIMUM, x, axis, axis + 1, perPosition);
            ops.combine(BinaryOperation.SUBTRACT, x, stretched, destination);
            Tensor exponential = scope.allocate(x.shape(), x.dtype());
            ops.apply(UnaryOperation.EXP, destination, exponential);
            reduce(Reduction.SUM, exponential, axis, axis + 1, perPosition);
            ops.apply(UnaryOperation.LOG, perPosition, perPosition);
            ops.combine(BinaryOperation.SUBTRACT, destination, stretched, destination);
        }
    }

    /** destination = exp(x) / Σ exp(x), the sum running over {@code axis}. */
    default void softmax(Tensor x, int axis, Tensor destination) {
        logSoftmax(x, axis, destination);
        backend().elementwise().apply(UnaryOperation.EXP, destination, destination);
    }
}
