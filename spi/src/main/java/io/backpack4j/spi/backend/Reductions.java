package io.backpack4j.spi.backend;

import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Collection;

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

    /** Whether all elements are finite. */
    boolean allFinite(Tensor x);

    /** Whether all elements of several floating tensors are finite; a device answers once. */
    default boolean allFinite(Collection<Tensor> tensors) {
        return tensors.stream().allMatch(this::allFinite);
    }

    /**
     * Adds counts to a histogram: bin i of {@code bins} counts elements in [low + i·w, low + (i+1)·w), w = (high − low)/bins. Elements below
     * {@code low} count in the first bin, elements from {@code high} on in the last, and NaN nowhere.
     *
     * @param destination {@code [bins]}, floating
     */
    void addHistogram(Tensor x, double low, double high, Tensor destination);

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
