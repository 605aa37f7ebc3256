// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.dryrun;

import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.Reductions;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;

/** Checks reductions. */
record DryRunReductions(DryRunBackend backend) implements Reductions {

    @Override
    public void reduce(Reduction reduction, Tensor x, int from, int to, Tensor destination) {
        backend.meter().add(WorkKind.REDUCTION, x.shape().elements(), 1, x, destination);
        TensorChecks.floating(reduction.name(), x, destination);
        TensorChecks.require(
                from >= 0 && from <= to && to <= x.shape().rank(),
                reduction.name(),
                "cannot reduce axes %d to %d of shape %s".formatted(from, to, x.shape()));
        Shape rest = x.shape().slice(0, from).append(x.shape().dropFirst(to).toArray());
        TensorChecks.sameShape(reduction.name(), rest, destination);
        TensorChecks.require(
                reduction == Reduction.SUM || x.shape().elements(from, to) > 0,
                reduction.name(),
                "of nothing is not defined; the shape is " + x.shape());
    }

    @Override
    public boolean allFinite(Tensor x) {
        backend.meter().add(WorkKind.REDUCTION, x);
        TensorChecks.own(x);
        return true;
    }

    @Override
    public void addHistogram(Tensor x, Tensor range, double factor, Tensor counts) {
        backend.meter().add(WorkKind.HISTOGRAM, x.shape().elements(), 1, x, counts);
        TensorChecks.floating("addHistogram", x, range);
        TensorChecks.sameShape("addHistogram", Shape.of(2), range);
        TensorChecks.type("addHistogram", counts, DType.INT64);
        TensorChecks.require(
                counts.shape().rank() == 1 && counts.shape().size(0) > 1,
                "addHistogram",
                "needs counts [bins + 1], not " + counts.shape());
    }

    @Override
    public void addJointHistogram(Tensor x, Tensor values, Tensor ranges, double factor, Tensor counts) {
        backend.meter().add(WorkKind.HISTOGRAM, x.shape().elements(), 1, x, counts);
        TensorChecks.floating("addJointHistogram", x, values, ranges);
        TensorChecks.sameShape("addJointHistogram", Shape.of(2, 2), ranges);
        TensorChecks.type("addJointHistogram", counts, DType.INT64);
        Shape shape = counts.shape();
        TensorChecks.require(
                shape.rank() == 2 && shape.size(0) > 1 && shape.size(1) > 1,
                "addJointHistogram",
                "needs counts [bins + 1, bins of values + 1], not " + shape);
        long period = values.shape().elements();
        long elements = x.shape().elements();
        TensorChecks.require(
                elements == 0 || (period > 0 && elements % period == 0),
                "addJointHistogram",
                "has %d values for %d elements".formatted(period, elements));
    }

    @Override
    public void logSoftmax(Tensor x, int axis, Tensor destination) {
        backend.meter().add(WorkKind.FUNCTION, x, destination);
        TensorChecks.floating("logSoftmax", x, destination);
        TensorChecks.sameShape("logSoftmax", x.shape(), destination);
        TensorChecks.require(
                axis >= 0 && axis < x.shape().rank(), "logSoftmax", "has no axis " + axis + " in shape " + x.shape());
    }

    @Override
    public void softmax(Tensor x, int axis, Tensor destination) {
        logSoftmax(x, axis, destination);
    }
}
