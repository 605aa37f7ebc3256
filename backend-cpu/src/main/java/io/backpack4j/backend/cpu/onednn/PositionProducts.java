// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.spi.backend.PerSampleConvolution;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.TensorScope;

/** Norms by products of positions: of the inputs under windows with each other, and of the cotangents. */
final class PositionProducts {

    /** Most memory for one run of samples, unless one sample takes more. */
    private static final long RUN_BYTES = 8 << 20;

    private final NativeBackend backend;
    private final DnnlContexts contexts;
    private final DnnlProducts products;

    PositionProducts(NativeBackend backend, DnnlContexts contexts, DnnlProducts products) {
        this.backend = backend;
        this.contexts = contexts;
        this.products = products;
    }

    /**
     * ‖Σ_s d_s ⊗ a_s‖² = Σ_st ⟨d_s, d_t⟩ ⟨a_s, a_t⟩, some samples at a time; one group. Not done if oneDNN is slow at
     * it.
     *
     * @param inputs the address of the inputs, channels last
     * @param outputs the address of the cotangents, channels last
     * @param destination {@code [B]}
     */
    boolean squaredNorms(PerSampleConvolution product, long inputs, long outputs, CpuTensor destination) {
        DnnlContext context = contexts.get();
        long positions = product.positions();
        long columns = product.columns();
        long rows = product.rows();
        long samples = product.samples();
        long bytes = positions * (columns + 2 * positions) * Float.BYTES;
        long run = Math.max(1, Math.min(samples, RUN_BYTES / bytes));
        long input =
                product.inputs().shape().elements(1, product.inputs().shape().rank());
        for (long first = 0; first < product.batch(); first += samples) {
            for (long from = 0; from < samples; from += run) {
                long count = Math.min(run, samples - from);
                long b = first + from;
                try (TensorScope scope = backend.openScope()) {
                    WindowSizes sizes = WindowSizes.of(
                            product.window(),
                            count,
                            product.inputs().shape(),
                            product.outputs().shape());
                    CpuTensor unfolded = backend.singles(scope, Shape.of(count, positions, columns));
                    if (WindowInputs.reachBeyond(sizes)) {
                        backend.elementwise().fill(unfolded, 0);
                    }
                    long row = b % product.inputs().shape().size(0);
                    boolean unfoldable = WindowInputs.unfold(
                            context,
                            product.window(),
                            sizes,
                            inputs + row * input * Float.BYTES,
                            product.inputs().shape().size(1),
                            unfolded.address(),
                            false);
                    if (!unfoldable) {
                        return false;
                    }
                    CpuTensor right = backend.singles(scope, Shape.of(count, positions, positions));
                    CpuTensor left = backend.singles(scope, Shape.of(count, positions, positions));
                    long u = unfolded.address();
                    boolean done = products.multiply(
                            context, u, false, u, true, right.address(), count, positions, positions, columns);
                    long d = outputs + b % product.outputs().shape().size(0) * positions * rows * Float.BYTES;
                    done &= products.multiply(
                            context, d, false, d, true, left.address(), count, positions, positions, rows);
                    if (!done) {
                        return false;
                    }
                    backend.contractions().rowDots(left, right, scope.rows(destination, b, b + count));
                }
            }
        }
        return true;
    }
}
