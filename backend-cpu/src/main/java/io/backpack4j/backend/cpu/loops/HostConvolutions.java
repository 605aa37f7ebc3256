// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Convolutions;
import io.backpack4j.spi.backend.PerSampleConvolution;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.backend.portable.PortableConvolutions;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Unfolds and folds row by row; everything else is matrix products of unfolded inputs. */
final class HostConvolutions implements Convolutions {

    /** Most memory for unfolded inputs, unless one sample takes more. */
    private static final long RUN_BYTES = 4 << 20;

    private final NativeBackend backend;
    private final Convolutions portable;

    HostConvolutions(NativeBackend backend) {
        this.backend = backend;
        this.portable = new PortableConvolutions(backend);
    }

    @Override
    public Backend backend() {
        return backend;
    }

    @Override
    public void convolve(Window window, Tensor x, Tensor weight, @Nullable Tensor bias, Tensor destination) {
        portable.convolve(window, x, weight, bias, destination);
    }

    @Override
    public void convolveTransposed(Window window, Tensor y, Tensor weight, @Nullable Tensor bias, Tensor destination) {
        portable.convolveTransposed(window, y, weight, bias, destination);
    }

    @Override
    public void unfold(Window window, Tensor x, List<Long> outputSizes, Tensor destination) {
        new Unfolding(window, backend.own(x), outputSizes, backend.own(destination)).unfold();
    }

    @Override
    public void fold(Window window, Tensor unfolded, List<Long> outputSizes, Tensor destination) {
        backend.elementwise().fill(destination, 0);
        new Unfolding(window, backend.own(destination), outputSizes, backend.own(unfolded)).fold();
    }

    @Override
    public void contract(PerSampleConvolution product, List<TileConsumer> consumers) {
        portable.contract(product, consumers);
    }

    /** Adds products to the sum, one for the positions of many samples where that is faster; there are no tiles. */
    @Override
    public void sum(PerSampleConvolution product, Tensor destination) {
        long length = product.batch() / Math.max(1, destination.shape().size(0));
        long bytes = product.groups()
                * product.positions()
                * product.columns()
                * product.inputs().dtype().bytes();
        long run = Math.max(1, RUN_BYTES / Math.max(1, bytes));
        for (long from = 0; from < product.batch(); ) {
            // neither crosses from one destination to the next, nor from one column to the next
            long left = Math.min(length - from % length, product.samples() - from % product.samples());
            long count = Math.min(run, left);
            try (TensorScope scope = backend.openScope()) {
                Tensor sum = scope.rows(destination, from / length, from / length + 1);
                addProducts(scope, product, from, count, sum);
            }
            from += count;
        }
    }

    private void addProducts(TensorScope scope, PerSampleConvolution product, long from, long count, Tensor sum) {
        Tensor inputs = rows(scope, product.inputs(), from, count);
        Tensor outputs = rows(scope, product.outputs(), from, count);
        long groups = product.groups();
        long positions = product.positions();
        Tensor unfolded = scope.allocate(Shape.of(count, groups, positions, product.columns()), inputs.dtype());
        backend.convolutions().unfold(product.window(), inputs, outputSizes(product), unfolded);
        Tensor byGroup = scope.view(outputs, Shape.of(count, groups, product.rows(), positions));
        // moving the outputs once takes less than reading and writing the sum for every sample
        boolean join = groups == 1 && count > 1 && positions < product.columns();
        if (join) {
            Tensor joined = scope.allocate(Shape.of(product.rows(), count, positions), inputs.dtype());
            backend.indexing()
                    .permute(
                            scope.view(outputs, Shape.of(count, product.rows(), positions)),
                            new int[] {1, 0, 2},
                            joined);
            add(
                    scope.view(joined, Shape.of(product.rows(), count * positions)),
                    scope.view(unfolded, Shape.of(count * positions, product.columns())),
                    scope.view(sum, Shape.of(product.rows(), product.columns())));
        } else {
            Tensor target = scope.view(sum, Shape.of(1, groups, product.rows(), product.columns()));
            for (long b = 0; b < count; b++) {
                add(scope.rows(byGroup, b, b + 1), scope.rows(unfolded, b, b + 1), target);
            }
        }
    }

    private void add(Tensor a, Tensor b, Tensor sum) {
        backend.products().multiply(a, false, b, false, 1, 1, sum);
    }

    private static Tensor rows(TensorScope scope, Tensor tensor, long from, long count) {
        long first = from % tensor.shape().size(0);
        return scope.rows(tensor, first, first + count);
    }

    private static List<Long> outputSizes(PerSampleConvolution product) {
        Window window = product.window();
        List<Long> sizes = new ArrayList<>();
        for (long size : window.spatial(product.outputs().shape()).toArray()) {
            sizes.add(size);
        }
        return sizes;
    }

    @Override
    public void squaredNorms(PerSampleConvolution product, Tensor destination) {
        portable.squaredNorms(product, destination);
    }
}
