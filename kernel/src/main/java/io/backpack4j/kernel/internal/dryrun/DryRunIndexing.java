// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.dryrun;

import io.backpack4j.spi.backend.Indexing;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;

/** Checks movements of elements. */
record DryRunIndexing(DryRunBackend backend) implements Indexing {

    @Override
    public void permute(Tensor source, int[] axes, Tensor destination) {
        backend.meter().add(WorkKind.MOVEMENT, source, destination);
        TensorChecks.own(source);
        TensorChecks.own(destination);
        TensorChecks.require(
                axes.length == source.shape().rank(), "permute", "needs as many axes as the shape " + source.shape());
        long[] sizes = new long[axes.length];
        for (int i = 0; i < axes.length; i++) {
            sizes[i] = source.shape().size(axes[i]);
        }
        TensorChecks.sameShape("permute", Shape.of(sizes), destination);
    }

    @Override
    public void extract(Tensor source, Region region, Tensor destination) {
        backend.meter().add(WorkKind.MOVEMENT, destination, destination);
        checkRegion("extract", source, region);
        TensorChecks.own(destination);
        TensorChecks.sameShape("extract", region.shape(), destination);
    }

    @Override
    public void insert(Tensor source, Region region, Tensor destination) {
        backend.meter().add(WorkKind.MOVEMENT, source, source);
        checkRegion("insert", destination, region);
        TensorChecks.own(source);
        TensorChecks.sameShape("insert", region.shape(), source);
    }

    @Override
    public void pad(Tensor source, Region region, double value, Tensor destination) {
        backend.meter().add(WorkKind.MOVEMENT, source, destination);
        checkRegion("pad", destination, region);
        TensorChecks.own(source);
        TensorChecks.sameShape("pad", region.shape(), source);
    }

    @Override
    public void gatherRows(Tensor source, Tensor indices, Tensor destination) {
        backend.meter().add(WorkKind.MOVEMENT, destination, destination);
        checkRows("gatherRows", source, indices, destination);
    }

    @Override
    public void addRows(Tensor source, Tensor indices, Tensor destination) {
        backend.meter().add(WorkKind.MOVEMENT, source, source);
        checkRows("addRows", destination, indices, source);
    }

    @Override
    public void pick(Tensor x, int axis, Tensor indices, Tensor destination) {
        backend.meter().add(WorkKind.MOVEMENT, indices, destination);
        TensorChecks.floating("pick", x, destination);
        checkIndices("pick", x, axis, indices);
        TensorChecks.sameShape("pick", indices.shape(), destination);
    }

    @Override
    public void addAt(Tensor indices, int axis, double value, Tensor destination) {
        backend.meter().add(WorkKind.MOVEMENT, indices);
        TensorChecks.floating("addAt", destination);
        checkIndices("addAt", destination, axis, indices);
    }

    private static void checkIndices(String operation, Tensor x, int axis, Tensor indices) {
        TensorChecks.type(operation, indices, DType.INT64);
        Shape rest =
                x.shape().slice(0, axis).append(x.shape().dropFirst(axis + 1).toArray());
        TensorChecks.sameShape(operation, rest, indices);
    }

    private static void checkRows(String operation, Tensor table, Tensor indices, Tensor rows) {
        TensorChecks.floating(operation, table, rows);
        TensorChecks.type(operation, indices, DType.INT64);
        TensorChecks.require(
                indices.shape().rank() == 1 && table.shape().rank() > 0,
                operation,
                "needs a list of indices and rows, not %s and %s".formatted(indices.shape(), table.shape()));
        TensorChecks.sameShape(operation, table.shape().with(0, indices.shape().size(0)), rows);
    }

    private static void checkRegion(String operation, Tensor tensor, Region region) {
        TensorChecks.own(tensor);
        int rank = tensor.shape().rank();
        TensorChecks.require(
                region.starts().size() == rank,
                operation,
                "needs a region of the shape's rank, not %s of %s".formatted(region, tensor.shape()));
        for (int axis = 0; axis < rank; axis++) {
            long size = region.sizes().get(axis);
            long last = region.starts().get(axis) + (size - 1) * region.steps().get(axis);
            TensorChecks.require(
                    size == 0
                            || (region.starts().get(axis) >= 0
                                    && last < tensor.shape().size(axis)),
                    operation,
                    "has a region outside of the shape: %s of %s".formatted(region, tensor.shape()));
        }
    }
}
