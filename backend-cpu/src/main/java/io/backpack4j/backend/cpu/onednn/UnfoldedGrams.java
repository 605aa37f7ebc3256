// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/**
 * Σ_n Σ_t u_nt u_ntᵀ of the inputs u_nt under the windows of a convolution, few of them and long: the matrix is larger
 * than all inputs together, and every walk through it takes longer than its multiplications. So inputs are unfolded as
 * the matrix orders them, and products are added in their final place.
 */
final class UnfoldedGrams {

    /** With more windows than this, forms that multiply less are faster. */
    private static final long MOST_WINDOWS = 256;

    /** Matrices with fewer rows are small beside the multiplications that other forms save. */
    private static final long FEWEST_ROWS = 1024;

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
        DnnlContext context = contexts.get();
        long elements = sizes.elements();
        long windows = sizes.batch * sizes.outputPositions();
        try (TensorScope scope = backend.openScope()) {
            CpuTensor unfolded = backend.singles(scope, Shape.of(windows, elements, channels));
            if (WindowInputs.reachBeyond(sizes)) {
                // the padding, which is not written
                backend.elementwise().fill(unfolded, 0);
            }
            if (!WindowInputs.unfold(context, window, sizes, inputs, channels, unfolded.address(), false)) {
                return false;
            }
            Tensor ordered = scope.allocate(Shape.of(windows, channels, elements), unfolded.dtype());
            backend.indexing().permute(unfolded, new int[] {0, 2, 1}, ordered);
            long vectors = backend.own(ordered).address();
            return symmetric.add(vectors, windows, length(sizes, channels), scale, accumulate, destination.address());
        }
    }
}
