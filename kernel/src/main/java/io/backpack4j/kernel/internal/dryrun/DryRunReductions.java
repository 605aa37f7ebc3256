package io.backpack4j.kernel.internal.dryrun;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.Reductions;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;

/** Checks reductions. */
record DryRunReductions(Backend backend) implements Reductions {

    @Override
    public void reduce(Reduction reduction, Tensor x, int from, int to, Tensor destination) {
        Checks.floating(reduction.name(), x, destination);
        Checks.require(
                from >= 0 && from <= to && to <= x.shape().rank(),
                reduction.name(),
                "cannot reduce axes %d to %d of shape %s".formatted(from, to, x.shape()));
        Shape rest = x.shape().slice(0, from).append(x.shape().dropFirst(to).toArray());
        Checks.sameShape(reduction.name(), rest, destination);
        Checks.require(
                reduction == Reduction.SUM || x.shape().elements(from, to) > 0,
                reduction.name(),
                "of nothing is not defined; the shape is " + x.shape());
    }

    @Override
    public boolean allFinite(Tensor x) {
        Checks.own(x);
        return true;
    }

    @Override
    public void addHistogram(Tensor x, double low, double high, Tensor destination) {
        Checks.floating("addHistogram", x, destination);
        Checks.require(
                destination.shape().rank() == 1 && low < high,
                "addHistogram",
                "needs bins [B] and low < high, not %s, %s and %s".formatted(destination.shape(), low, high));
    }

    @Override
    public void logSoftmax(Tensor x, int axis, Tensor destination) {
        Checks.floating("logSoftmax", x, destination);
        Checks.sameShape("logSoftmax", x.shape(), destination);
        Checks.require(
                axis >= 0 && axis < x.shape().rank(), "logSoftmax", "has no axis " + axis + " in shape " + x.shape());
    }

    @Override
    public void softmax(Tensor x, int axis, Tensor destination) {
        logSoftmax(x, axis, destination);
    }
}
