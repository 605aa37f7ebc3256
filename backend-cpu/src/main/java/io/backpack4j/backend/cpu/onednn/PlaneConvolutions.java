// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/**
 * Convolutions whose windows reach so far beyond small planes that an element of the window reads little: for every
 * element products over the positions and samples that it reads, instead of a convolution that multiplies padding.
 * Positions come before samples, so that those that follow each other on both sides are one product.
 */
final class PlaneConvolutions {

    private final NativeBackend backend;
    private final DnnlContext context;
    private final TensorScope scope;
    private final int[][] reads;
    private final long inputPositions;
    private final long outputPositions;
    private final long samples;
    private final long rows;
    private final long channels;

    /**
     * Convolutions.
     *
     * @param sizes those of the window, and N
     * @param weight {@code [O, C, *kernel]}
     */
    PlaneConvolutions(NativeBackend backend, DnnlContext context, TensorScope scope, WindowSizes sizes, Shape weight) {
        this.backend = backend;
        this.context = context;
        this.scope = scope;
        reads = sizes.reads();
        inputPositions = sizes.inputPositions();
        outputPositions = sizes.outputPositions();
        samples = sizes.batch;
        rows = weight.size(0);
        channels = weight.size(1);
    }

    /** Positions that an element of the window reads in a row, for output positions in a row. */
    private interface Run {
        void visit(int read, int output, int count, boolean first);
    }

    /** Visits the runs of an element; false if it reads nothing. */
    private boolean forRuns(int element, Run run) {
        int[] own = reads[element];
        boolean first = true;
        for (int t = 0; t < own.length; ) {
            int count = 1;
            while (own[t] >= 0 && t + count < own.length && own[t + count] == own[t] + count) {
                count++;
            }
            if (own[t] >= 0) {
                run.visit(own[t], t, count, first);
                first = false;
            }
            t += count;
        }
        return !first;
    }

    /**
     * Convolves; nothing is done if oneDNN is slow at the products.
     *
     * @param x the address of {@code [N, Q, C]}
     * @param weight {@code [O, C, *kernel]}
     * @param y the address of {@code [N, T, O]}
     */
    boolean convolve(long x, CpuTensor weight, long y) {
        return multiply(new Planes(x, inputPositions, channels), new Planes(y, outputPositions, rows), weight, false);
    }

    /**
     * The transpose; nothing is done if oneDNN is slow at the products.
     *
     * @param y the address of {@code [N, T, O]}
     * @param weight {@code [O, C, *kernel]}
     * @param x the address of {@code [N, Q, C]}
     */
    boolean convolveTransposed(long y, CpuTensor weight, long x) {
        return multiply(new Planes(y, outputPositions, rows), new Planes(x, inputPositions, channels), weight, true);
    }

    /**
     * One side of a convolution.
     *
     * @param address of {@code [N, positions, width]}
     */
    private record Planes(long address, long positions, long width) {}

    private boolean multiply(Planes read, Planes written, CpuTensor weight, boolean transposed) {
        if (!isUsable(read.width, written.width)) {
            return false;
        }
        long source = positionsFirst(read.address, read.positions, read.width);
        CpuTensor sums = zeros(written.positions, written.width);
        CpuTensor ordered = transposed ? byElement(weight, 2, 0, 1) : byElement(weight, 2, 1, 0);
        for (int element = 0; element < reads.length; element++) {
            long matrix = matrix(ordered, element);
            forRuns(
                    element,
                    (input, output, count, first) -> addProduct(count, read.width, written.width)
                            .at(0, source + (transposed ? output : input) * samples * read.width * Float.BYTES)
                            .at(1, matrix)
                            .at(
                                    2,
                                    sums.address()
                                            + (transposed ? input : output) * samples * written.width * Float.BYTES)
                            .run(context));
        }
        samplesFirst(sums, written.positions, written.width, written.address);
        return true;
    }

    /**
     * Adds the sum of all samples' weight gradients to the destination or writes it there; nothing is done if oneDNN is
     * slow at the products.
     *
     * @param x the address of {@code [N, Q, C]}
     * @param y the address of the cotangents {@code [N, T, O]}
     * @param destination of the weight's shape
     */
    boolean sumGradients(long x, long y, boolean accumulate, CpuTensor destination) {
        for (int count = 1; count <= outputPositions; count++) {
            if (!gradient(count, 0).usable() || !gradient(count, 1).usable()) {
                return false;
            }
        }
        long right = positionsFirst(x, inputPositions, channels);
        long left = positionsFirst(y, outputPositions, rows);
        CpuTensor sums = backend.singles(scope, Shape.of(reads.length, rows, channels));
        for (int element = 0; element < reads.length; element++) {
            long matrix = matrix(sums, element);
            boolean written = forRuns(
                    element,
                    (read, output, count, first) -> gradient(count, first ? 0 : 1)
                            .at(0, left + output * samples * rows * Float.BYTES)
                            .at(1, right + read * samples * channels * Float.BYTES)
                            .at(2, matrix)
                            .run(context));
            if (!written) {
                backend.elementwise().fill(scope.rows(sums, element, element + 1), 0);
            }
        }
        Shape shape = Shape.of(rows, channels, reads.length);
        Tensor ordered = accumulate ? backend.singles(scope, shape) : scope.view(destination, shape);
        backend.indexing().permute(sums, new int[] {1, 2, 0}, ordered);
        if (accumulate) {
            backend.elementwise().addScaled(1, scope.view(ordered, destination.shape()), destination);
        }
        return true;
    }

    /** destination = leftᵀ · right over some positions, plus beta times the destination. */
    private DnnlPrimitive gradient(long positions, double beta) {
        long count = positions * samples;
        return context.get(
                context.key(DnnlKind.PLANE_GRADIENT)
                        .add(rows)
                        .add(channels)
                        .add(count)
                        .add(beta),
                Cost.product(rows, channels, count),
                () -> DnnlRecipes.matmul(
                        Layout.dense(count, rows).transposed(),
                        Layout.dense(count, channels),
                        Layout.dense(rows, channels),
                        beta));
    }

    private boolean isUsable(long inner, long outer) {
        for (int count = 1; count <= outputPositions; count++) {
            if (!addProduct(count, inner, outer).usable()) {
                return false;
            }
        }
        return true;
    }

    /** destination += some positions · a matrix. */
    private DnnlPrimitive addProduct(long positions, long inner, long outer) {
        long count = positions * samples;
        return context.get(
                context.key(DnnlKind.PLANE_PRODUCT).add(count).add(inner).add(outer),
                Cost.product(count, outer, inner),
                () -> DnnlRecipes.matmul(
                        Layout.dense(count, inner), Layout.dense(inner, outer), Layout.dense(count, outer), 1));
    }

    private CpuTensor zeros(long positions, long width) {
        CpuTensor zeros = backend.singles(scope, Shape.of(positions, samples, width));
        backend.elementwise().fill(zeros, 0);
        return zeros;
    }

    /** The weight's matrices, one after the other; axes 0, 1 and 2 are rows, channels and elements. */
    private CpuTensor byElement(CpuTensor weight, int... axes) {
        Tensor given = scope.view(weight, Shape.of(rows, channels, reads.length));
        CpuTensor ordered = backend.singles(
                scope,
                Shape.of(
                        given.shape().size(axes[0]),
                        given.shape().size(axes[1]),
                        given.shape().size(axes[2])));
        backend.indexing().permute(given, axes, ordered);
        return ordered;
    }

    private long matrix(CpuTensor ordered, long element) {
        return ordered.address() + element * rows * channels * Float.BYTES;
    }

    /** The address of {@code [positions, N, width]}. */
    private long positionsFirst(long planes, long positions, long width) {
        CpuTensor ordered = backend.singles(scope, Shape.of(positions, samples, width));
        copy(positions, width, true).at(0, planes).at(1, ordered.address()).run(context);
        return ordered.address();
    }

    private void samplesFirst(CpuTensor ordered, long positions, long width, long planes) {
        copy(positions, width, false).at(0, ordered.address()).at(1, planes).run(context);
    }

    private DnnlPrimitive copy(long positions, long width, boolean positionsFirst) {
        long[] sizes = {positions, samples, width};
        return context.get(
                context.key(DnnlKind.PLANE_ORDER).add(sizes).add(positionsFirst ? 1 : 0),
                Cost.elements(positions * samples * width),
                () -> {
                    Layout first = Layout.dense(sizes);
                    Layout last = new Layout(sizes, new long[] {width, positions * width, 1});
                    return positionsFirst ? DnnlRecipes.reorder(last, first) : DnnlRecipes.reorder(first, last);
                });
    }
}
