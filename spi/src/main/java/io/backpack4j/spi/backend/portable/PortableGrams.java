// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend.portable;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;

/** Gram matrices made of plain products, and of unfolded inputs. */
public final class PortableGrams {

    /** How much memory unfolded inputs may take, unless one sample takes more. */
    private static final long RUN_BYTES = 4 << 20;

    private PortableGrams() {}

    /** Unfolds some samples. */
    private interface Unfolding {

        void unfold(Tensor samples, Tensor destination);
    }

    public static void add(
            Backend backend, Tensor x, boolean positionsFirst, boolean summed, double scale, Tensor destination) {
        Shape shape = x.shape();
        long batch = shape.size(0);
        long groups = shape.size(1);
        long positions = shape.size(positionsFirst ? 2 : 3);
        long length = shape.size(positionsFirst ? 3 : 2);
        try (TensorScope scope = backend.openScope()) {
            Tensor target = scope.view(destination, Shape.of(groups, length, length));
            if (summed || positions == 1) {
                Tensor vectors = sums(backend, scope, x, positionsFirst);
                Tensor byGroup = scope.view(vectors, Shape.of(groups, batch, length));
                if (groups > 1) {
                    byGroup = scope.allocate(byGroup.shape(), x.dtype());
                    backend.indexing().permute(vectors, new int[] {1, 0, 2}, byGroup);
                }
                backend.products().addGram(byGroup, scale, target);
            } else if (groups == 1 && positionsFirst) {
                Tensor rows = scope.view(x, Shape.of(1, batch * positions, length));
                backend.products().addGram(rows, scale, target);
            } else {
                addOneByOne(backend, x, positionsFirst, scale, target);
            }
        }
    }

    /** {@code [B, G, L]}. */
    private static Tensor sums(Backend backend, TensorScope scope, Tensor x, boolean positionsFirst) {
        Shape shape = x.shape();
        int axis = positionsFirst ? 2 : 3;
        Shape summed = Shape.of(shape.size(0), shape.size(1), shape.size(positionsFirst ? 3 : 2));
        if (shape.size(axis) == 1) {
            return scope.view(x, summed);
        }
        Tensor sums = scope.allocate(summed, x.dtype());
        backend.reductions().reduce(Reduction.SUM, x, axis, axis + 1, sums);
        return sums;
    }

    private static void addOneByOne(Backend backend, Tensor x, boolean positionsFirst, double scale, Tensor target) {
        for (long row = 0; row < x.shape().size(0); row++) {
            try (TensorScope scope = backend.openScope()) {
                Tensor one = scope.view(scope.rows(x, row, row + 1), x.shape().dropFirst(1));
                backend.products().multiply(one, positionsFirst, one, !positionsFirst, scale, 1, target);
            }
        }
    }

    public static void addOfInputs(
            Backend backend,
            Window window,
            Tensor x,
            List<Long> outputSizes,
            boolean summed,
            double scale,
            Tensor destination) {
        long positions = product(outputSizes);
        addUnfolded(
                backend,
                x,
                positions,
                (samples, columns) -> backend.convolutions().unfold(window, samples, outputSizes, columns),
                summed,
                scale,
                destination);
    }

    public static void addOfOutputs(
            Backend backend,
            Window window,
            Tensor y,
            List<Long> inputSizes,
            boolean summed,
            double scale,
            Tensor destination) {
        long positions = product(inputSizes);
        addUnfolded(
                backend,
                y,
                positions,
                (samples, columns) -> backend.convolutions().unfoldTransposed(window, samples, inputSizes, columns),
                summed,
                scale,
                destination);
    }

    private static void addUnfolded(
            Backend backend,
            Tensor x,
            long positions,
            Unfolding unfolding,
            boolean summed,
            double scale,
            Tensor destination) {
        long groups = destination.shape().size(0);
        long length = destination.shape().size(1);
        long samples = x.shape().size(0);
        long bytes = Math.max(1, groups * positions * length * x.dtype().bytes());
        long run = Math.max(1, RUN_BYTES / bytes);
        for (long from = 0; from < samples; from += run) {
            long to = Math.min(samples, from + run);
            try (TensorScope scope = backend.openScope()) {
                Tensor columns = scope.allocate(Shape.of(to - from, groups, positions, length), x.dtype());
                unfolding.unfold(scope.rows(x, from, to), columns);
                backend.products().addGram(columns, true, summed, scale, destination);
            }
        }
    }

    /** Element by element of the window: what of the outputs falls on which input. */
    public static void unfoldTransposed(
            Backend backend, Window window, Tensor y, List<Long> inputSizes, Tensor destination) {
        backend.elementwise().fill(destination, 0);
        long samples = y.shape().size(0);
        long groups = destination.shape().size(1);
        long channels = y.shape().size(1) / Math.max(1, groups);
        Shape unfolded = Shape.of(samples, groups);
        for (long size : inputSizes) {
            unfolded = unfolded.append(size);
        }
        unfolded = unfolded.append(channels, window.elements());
        Shape outputs = window.spatial(y.shape());
        try (TensorScope scope = backend.openScope()) {
            Tensor target = scope.view(destination, unfolded);
            for (long element = 0; element < window.elements(); element++) {
                Region from = Region.all(y.shape());
                Region all = Region.all(unfolded);
                List<Long> starts = new ArrayList<>(all.starts());
                List<Long> steps = new ArrayList<>(all.steps());
                List<Long> sizes = new ArrayList<>(all.sizes());
                long below = window.elements();
                for (int axis = 0; axis < window.axes(); axis++) {
                    below /= window.kernel().get(axis);
                    long k = element / below % window.kernel().get(axis);
                    Window.Overlap overlap = window.overlap(axis, k, inputSizes.get(axis), outputs.size(axis));
                    from = from.with(2 + axis, overlap.firstOutput(), overlap.count());
                    starts.set(2 + axis, overlap.firstInput());
                    steps.set(2 + axis, window.stride().get(axis));
                    sizes.set(2 + axis, overlap.count());
                }
                starts.set(3 + window.axes(), element);
                sizes.set(3 + window.axes(), 1L);
                if (from.shape().elements() > 0) {
                    move(backend, y, from, target, new Region(starts, steps, sizes), groups, channels);
                }
            }
        }
    }

    private static void move(
            Backend backend, Tensor y, Region from, Tensor target, Region to, long groups, long channels) {
        try (TensorScope scope = backend.openScope()) {
            Tensor part = scope.allocate(from.shape(), y.dtype());
            backend.indexing().extract(y, from, part);
            long samples = from.shape().size(0);
            long positions = from.shape().dropFirst(2).elements();
            Tensor byPosition = scope.allocate(Shape.of(samples, groups, positions, channels), y.dtype());
            Tensor byChannel = scope.view(part, Shape.of(samples, groups, channels, positions));
            backend.indexing().permute(byChannel, new int[] {0, 1, 3, 2}, byPosition);
            backend.indexing().insert(scope.view(byPosition, to.shape()), to, target);
        }
    }

    private static long product(List<Long> sizes) {
        return sizes.stream().reduce(1L, (a, b) -> a * b);
    }
}
