// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.spi.backend.PerSampleConvolution;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/**
 * Σ_b P_b of a convolution's weight where windows reach so far beyond small planes that an element of the window reads
 * little: for every element one product over the positions and samples that it reads, instead of a convolution that
 * multiplies padding.
 */
final class PlaneSums {

    private final NativeBackend backend;
    private final DnnlContext context;
    private final TensorScope scope;
    private final PerSampleConvolution product;
    private final int[][] reads;
    private final long samples;
    private final long rows;
    private final long channels;

    /** @param reads which position an element of the window reads at every output position, −1 for none */
    PlaneSums(
            NativeBackend backend,
            DnnlContext context,
            TensorScope scope,
            PerSampleConvolution product,
            int[][] reads) {
        this.backend = backend;
        this.context = context;
        this.scope = scope;
        this.product = product;
        this.reads = reads;
        samples = product.batch();
        rows = product.rows();
        channels = product.inputs().shape().size(1);
    }

    /**
     * Adds the sum to the destination or writes it there; nothing is done if oneDNN is slow at the products.
     *
     * @param inputs the address of {@code [N, Q, C]}
     * @param outputs the address of {@code [N, T, O]}
     * @param destination of the weight's shape
     */
    boolean add(long inputs, long outputs, boolean accumulate, CpuTensor destination) {
        int positions = reads[0].length;
        for (int count = 1; count <= positions; count++) {
            if (!product(count, 0).usable() || !product(count, 1).usable()) {
                return false;
            }
        }
        long read = product.window().spatial(product.inputs().shape()).elements();
        long right = positionsFirst(inputs, read, channels);
        long left = positionsFirst(outputs, positions, rows);
        CpuTensor sums = backend.singles(scope, Shape.of(reads.length, rows, channels));
        for (int element = 0; element < reads.length; element++) {
            sum(element, left, right, sums.address() + element * rows * channels * Float.BYTES);
        }
        Shape shape = Shape.of(rows, channels, reads.length);
        Tensor ordered = accumulate ? backend.singles(scope, shape) : scope.view(destination, shape);
        backend.indexing().permute(sums, new int[] {1, 2, 0}, ordered);
        if (accumulate) {
            backend.elementwise().addScaled(1, scope.view(ordered, destination.shape()), destination);
        }
        return true;
    }

    /** Positions that follow each other on both sides are one product. */
    private void sum(int element, long left, long right, long to) {
        boolean written = false;
        int[] read = reads[element];
        for (int t = 0; t < read.length; ) {
            int count = 1;
            while (read[t] >= 0 && t + count < read.length && read[t + count] == read[t] + count) {
                count++;
            }
            if (read[t] >= 0) {
                product(count, written ? 1 : 0)
                        .at(0, left + t * samples * rows * Float.BYTES)
                        .at(1, right + read[t] * samples * channels * Float.BYTES)
                        .at(2, to)
                        .run(context);
                written = true;
            }
            t += count;
        }
        if (!written) {
            product(1, 0).at(0, zeros(rows)).at(1, zeros(channels)).at(2, to).run(context);
        }
    }

    private long zeros(long width) {
        CpuTensor zeros = backend.singles(scope, Shape.of(samples, width));
        backend.elementwise().fill(zeros, 0);
        return zeros.address();
    }

    /** The address of {@code [positions, N, width]}. */
    private long positionsFirst(long planes, long positions, long width) {
        CpuTensor ordered = backend.singles(scope, Shape.of(positions, samples, width));
        long[] sizes = {positions, samples, width};
        Layout from = new Layout(sizes, new long[] {width, positions * width, 1});
        context.get(
                        context.key(DnnlKind.UNFOLD).add(sizes).add(from.strides()),
                        Cost.elements(ordered.elements),
                        () -> DnnlRecipes.reorder(from, Layout.dense(sizes)))
                .at(0, planes)
                .at(1, ordered.address())
                .run(context);
        return ordered.address();
    }

    /** destination = leftᵀ · right over some positions, plus beta times the destination. */
    private DnnlPrimitive product(long positions, double beta) {
        long count = positions * samples;
        return context.get(
                context.key(DnnlKind.MATMUL)
                        .add(1)
                        .add(0)
                        .add(beta)
                        .add(1)
                        .add(1)
                        .add(1)
                        .add(rows)
                        .add(channels)
                        .add(count),
                Cost.product(rows, channels, count),
                () -> DnnlRecipes.matmul(
                        Layout.dense(count, rows).transposed(),
                        Layout.dense(count, channels),
                        Layout.dense(rows, channels),
                        beta));
    }
}
