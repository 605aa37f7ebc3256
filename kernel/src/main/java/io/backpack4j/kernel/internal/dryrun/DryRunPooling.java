// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.dryrun;

import io.backpack4j.spi.backend.Pooling;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Checks pooling, and counts what linear maps along several axes keep in between. */
record DryRunPooling(DryRunBackend backend) implements Pooling {

    @Override
    public void maximum(Window window, Tensor x, Tensor destination, Tensor indices) {
        checkMaximum("maximum", x, destination, indices);
        backend.meter()
                .add(
                        WorkKind.ELEMENTWISE,
                        destination.shape().elements() * window.elements(),
                        1,
                        x,
                        indices,
                        destination);
        TensorChecks.require(
                x.shape().rank() == 2 + window.axes(),
                "maximum",
                "needs %d spatial axes, not %s".formatted(window.axes(), x.shape()));
        for (int axis = 0; axis < window.axes(); axis++) {
            checkMeets(
                    window, axis, x.shape().size(2 + axis), destination.shape().size(2 + axis));
        }
    }

    /** Every position has an element of the window inside the input. */
    private static void checkMeets(Window window, int axis, long in, long out) {
        for (long t = 0; t < out; t++) {
            boolean meets = false;
            for (long k = 0; k < window.kernel().get(axis) && !meets; k++) {
                Window.Overlap overlap = window.overlap(axis, k, in, out);
                meets = overlap.firstOutput() <= t && t < overlap.firstOutput() + overlap.count();
            }
            TensorChecks.require(
                    meets,
                    "maximum",
                    "has nothing to choose from at position %d of axis %d: no element of %s lies within its size %d"
                            .formatted(t, axis, window, in));
        }
    }

    @Override
    public void adaptiveMaximum(Tensor x, Tensor destination, Tensor indices) {
        checkMaximum("adaptiveMaximum", x, destination, indices);
        backend.meter().add(WorkKind.MOVEMENT, x.shape().elements(), 1, x, destination);
        TensorChecks.require(
                x.shape().dropFirst(2).elements() > 0
                        || destination.shape().dropFirst(2).elements() == 0,
                "adaptiveMaximum",
                "has nothing to choose from in " + x.shape());
    }

    private static void checkMaximum(String operation, Tensor x, Tensor destination, Tensor indices) {
        TensorChecks.floating(operation, x, destination);
        checkPlanes(operation, x.shape(), destination.shape());
        TensorChecks.type(operation, indices, DType.INT64);
        TensorChecks.sameShape(operation, destination.shape(), indices);
    }

    @Override
    public void scatter(Tensor indices, Tensor source, Tensor destination) {
        backend.meter().add(WorkKind.MOVEMENT, indices, source, destination);
        checkIndices("scatter", indices, source, destination);
    }

    @Override
    public void gather(Tensor x, Tensor indices, Tensor destination) {
        backend.meter().add(WorkKind.MOVEMENT, indices, destination, destination);
        checkIndices("gather", indices, destination, x);
    }

    private static void checkIndices(String operation, Tensor indices, Tensor pooled, Tensor whole) {
        TensorChecks.floating(operation, pooled, whole);
        TensorChecks.type(operation, indices, DType.INT64);
        checkPlanes(operation, whole.shape(), pooled.shape());
        Shape shape = indices.shape();
        long batch = pooled.shape().size(0);
        TensorChecks.require(
                shape.rank() > 0
                        && shape.equals(pooled.shape().with(0, shape.size(0)))
                        && (shape.size(0) == 0 ? batch == 0 : batch % shape.size(0) == 0),
                operation,
                "needs indices for each of %s or for a part that divides the batch, not %s"
                        .formatted(pooled.shape(), shape));
    }

    private static void checkPlanes(String operation, Shape whole, Shape pooled) {
        TensorChecks.require(
                whole.rank() >= 2
                        && whole.rank() == pooled.rank()
                        && whole.slice(0, 2).equals(pooled.slice(0, 2)),
                operation,
                "needs shapes [B, C, *] with equal batches and channels, not " + whole + " and " + pooled);
    }

    @Override
    public void resample(List<@Nullable Tensor> matrices, boolean transposed, Tensor x, Tensor destination) {
        TensorChecks.floating("resample", x, destination);
        checkPlanes("resample", x.shape(), destination.shape());
        TensorChecks.require(
                matrices.size() == x.shape().rank() - 2,
                "resample",
                "needs one matrix per spatial axis, not %d for %s".formatted(matrices.size(), x.shape()));
        try (TensorScope scope = backend.openScope()) {
            Shape current = x.shape();
            for (int axis = 0; axis < matrices.size(); axis++) {
                long in = x.shape().size(2 + axis);
                long out = destination.shape().size(2 + axis);
                checkMatrix(x, matrices.get(axis), transposed, in, out);
                current = current.with(2 + axis, out);
                if (matrices.get(axis) != null && hasMatrix(matrices, axis + 1)) {
                    scope.allocate(current, x.dtype());
                }
                if (matrices.get(axis) != null) {
                    backend.meter()
                            .add(
                                    WorkKind.PRODUCT,
                                    2.0
                                            * current.elements()
                                            * Math.max(1, x.shape().size(2 + axis)),
                                    1,
                                    x,
                                    destination);
                }
            }
        }
    }

    private static boolean hasMatrix(List<@Nullable Tensor> matrices, int from) {
        for (int axis = from; axis < matrices.size(); axis++) {
            if (matrices.get(axis) != null) {
                return true;
            }
        }
        return false;
    }

    private static void checkMatrix(Tensor x, @Nullable Tensor matrix, boolean transposed, long in, long out) {
        if (matrix == null) {
            TensorChecks.require(
                    in == out, "resample", "needs a matrix to change an axis from size %d to %d".formatted(in, out));
        } else {
            TensorChecks.floating("resample", x, matrix);
            TensorChecks.sameShape("resample", transposed ? Shape.of(in, out) : Shape.of(out, in), matrix);
        }
    }
}
