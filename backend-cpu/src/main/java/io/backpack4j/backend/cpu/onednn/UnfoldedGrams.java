// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/**
 * Σ_n Σ_t u_nt u_ntᵀ of the inputs u_nt under the windows of a convolution. Where these are few and long, the matrix is
 * larger than all inputs together, and every walk through it takes longer than its multiplications. So inputs are
 * unfolded as the matrix orders them, and products are added in their final place. Where there are many, inputs are
 * unfolded some samples at a time, as they lie, and the sum is brought into the matrix' order.
 */
final class UnfoldedGrams {

    /** With more windows than this, forms that multiply less are faster. */
    private static final long MOST_WINDOWS = 256;

    /** Matrices with fewer rows are small beside the multiplications that other forms save. */
    private static final long FEWEST_ROWS = 1024;

    /** Fewer numbers to multiply are left to other forms. */
    private static final long SMALLEST = 1 << 16;

    /** Most memory for the unfolded inputs of a run of samples, unless one sample takes more. */
    private static final long RUN_BYTES = 4 << 20;

    private final NativeBackend backend;
    private final DnnlContexts contexts;
    private final SymmetricProducts symmetric;

    UnfoldedGrams(NativeBackend backend, DnnlContexts contexts) {
        this.backend = backend;
        this.contexts = contexts;
        this.symmetric = new SymmetricProducts(contexts);
    }

    static boolean fits(WindowSizes sizes, long channels) {
        long windows = sizes.batch * sizes.outputPositions();
        return windows <= MOST_WINDOWS
                && length(sizes, channels) >= FEWEST_ROWS
                && SymmetricProducts.fits(windows, length(sizes, channels));
    }

    /** Whether multiplications are worth calls. */
    static boolean isWorthIt(WindowSizes sizes, long channels) {
        return length(sizes, channels) * sizes.batch * sizes.outputPositions() >= SMALLEST;
    }

    private static long length(WindowSizes sizes, long channels) {
        return channels * sizes.elements();
    }

    /**
     * Adds or writes the matrix; nothing is done if oneDNN cannot unfold, or is slow at the products.
     *
     * @param inputs the address of the samples, channels last
     * @param accumulate whether it is added
     * @param destination {@code [C · K, C · K]} in all, row-major
     */
    boolean add(
            Window window,
            WindowSizes sizes,
            long channels,
            long inputs,
            double scale,
            boolean accumulate,
            CpuTensor destination) {
        long windows = sizes.batch * sizes.outputPositions();
        return windows > length(sizes, channels)
                ? addMany(window, sizes, channels, inputs, scale, accumulate, destination)
                : addFew(window, sizes, channels, inputs, scale, accumulate, destination);
    }

    private boolean addFew(
            Window window,
            WindowSizes sizes,
            long channels,
            long inputs,
            double scale,
            boolean accumulate,
            CpuTensor destination) {
        long elements = sizes.elements();
        long windows = sizes.batch * sizes.outputPositions();
        try (TensorScope scope = backend.openScope()) {
            CpuTensor unfolded = unfolded(scope, sizes, channels);
            if (!WindowInputs.unfold(contexts.get(), window, sizes, inputs, channels, unfolded.address(), false)) {
                return false;
            }
            Tensor ordered = scope.allocate(Shape.of(windows, channels, elements), unfolded.dtype());
            backend.indexing()
                    .permute(scope.view(unfolded, Shape.of(windows, elements, channels)), new int[] {0, 2, 1}, ordered);
            long vectors = backend.own(ordered).address();
            return symmetric.add(vectors, windows, length(sizes, channels), scale, accumulate, destination.address());
        }
    }

    private boolean addMany(
            Window window,
            WindowSizes sizes,
            long channels,
            long inputs,
            double scale,
            boolean accumulate,
            CpuTensor destination) {
        long elements = sizes.elements();
        long length = length(sizes, channels);
        long plane = channels * sizes.inputPositions() * Float.BYTES;
        long run = Math.max(1, Math.min(sizes.batch, RUN_BYTES / (length * sizes.outputPositions() * Float.BYTES)));
        try (TensorScope scope = backend.openScope()) {
            CpuTensor unfolded = unfolded(scope, sizes.of(run), channels);
            CpuTensor sums = backend.singles(scope, Shape.of(elements, channels, elements, channels));
            for (long from = 0; from < sizes.batch; from += run) {
                WindowSizes some = sizes.of(Math.min(run, sizes.batch - from));
                long windows = some.batch * sizes.outputPositions();
                if (!WindowInputs.unfold(
                                contexts.get(),
                                window,
                                some,
                                inputs + from * plane,
                                channels,
                                unfolded.address(),
                                false)
                        || !symmetric.add(unfolded.address(), windows, length, scale, from > 0, sums.address())) {
                    return false;
                }
            }
            GramOrder.write(backend, scope, sums, new int[] {1, 0, 3, 2}, accumulate, destination);
            return true;
        }
    }

    /** Memory for the windows of all samples, {@code [windows, K · C]}. */
    private CpuTensor unfolded(TensorScope scope, WindowSizes sizes, long channels) {
        long windows = sizes.batch * sizes.outputPositions();
        CpuTensor unfolded = backend.singles(scope, Shape.of(windows, length(sizes, channels)));
        if (WindowInputs.reachBeyond(sizes)) {
            // the padding, which is not written
            backend.elementwise().fill(unfolded, 0);
        }
        return unfolded;
    }
}
