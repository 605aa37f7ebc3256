package io.backpack4j.backend.cpu;

import io.backpack4j.spi.backend.PerSampleConvolution;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Arrays;

/**
 * Products of the inputs under windows, channels last: an unfolded row holds element after element of the window, each with all channels.
 */
final class PositionProducts {

    /** How much memory one run of samples may take, unless one sample takes more. */
    private static final long RUN_BYTES = 8 << 20;

    private final CpuBackend backend;
    private final DnnlContexts contexts;
    private final DnnlProducts products;

    PositionProducts(CpuBackend backend, DnnlContexts contexts, DnnlProducts products) {
        this.backend = backend;
        this.contexts = contexts;
        this.products = products;
    }

    /**
     * ‖Σ_s d_s ⊗ a_s‖² = Σ_st ⟨d_s, d_t⟩ ⟨a_s, a_t⟩, some samples at a time; one group. Not done if oneDNN is slow at it.
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
                    CpuTensor unfolded = memory(scope, Shape.of(count, positions, columns));
                    long row = b % product.inputs().shape().size(0);
                    WindowSizes sizes = WindowSizes.of(
                            product.window(),
                            count,
                            product.inputs().shape(),
                            product.outputs().shape());
                    boolean unfoldable = unfold(
                            context,
                            product.window(),
                            sizes,
                            inputs + row * input * Float.BYTES,
                            product.inputs().shape().size(1),
                            unfolded);
                    if (!unfoldable) {
                        return false;
                    }
                    CpuTensor right = memory(scope, Shape.of(count, positions, positions));
                    CpuTensor left = memory(scope, Shape.of(count, positions, positions));
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

    /**
     * Writes the inputs under every window. Returns whether oneDNN can: it knows no strides that step over the end of a row.
     *
     * @param inputs the address of the samples, channels last
     * @param unfolded {@code [n, S, K · C]}
     */
    private boolean unfold(
            DnnlContext context, Window window, WindowSizes sizes, long inputs, long channels, CpuTensor unfolded) {
        if (reachesBeyond(window, sizes)) {
            backend.elementwise().fill(unfolded, 0);
        }
        long elements = window.elements();
        Layout from = sizes.inputs(channels);
        Layout to = sizes.outputs(channels * elements);
        for (long element = 0; element < elements; element++) {
            int rank = from.sizes().length;
            long[] box = from.sizes().clone();
            long[] steps = from.strides().clone();
            long source = inputs;
            long target = unfolded.address() + element * channels * Float.BYTES;
            long rest = element;
            for (int axis = window.axes() - 1; axis >= 0; axis--) {
                long k = rest % window.kernel().get(axis);
                rest /= window.kernel().get(axis);
                Window.Overlap overlap = window.overlap(axis, k, sizes.input[axis], sizes.output[axis]);
                box[axis + 2] = overlap.count();
                steps[axis + 2] *= sizes.stride[axis];
                source += overlap.firstInput() * from.strides()[axis + 2] * Float.BYTES;
                target += overlap.firstOutput() * to.strides()[axis + 2] * Float.BYTES;
            }
            if (Arrays.stream(box).allMatch(size -> size > 0)) {
                for (int axis = 2; axis + 1 < rank; axis++) {
                    if (steps[axis] < box[axis + 1] * steps[axis + 1]) {
                        return false;
                    }
                }
                if (steps[0] < box[2] * steps[2]) {
                    return false;
                }
                Layout of = new Layout(box, steps);
                Layout at = new Layout(box, Arrays.copyOf(to.strides(), rank));
                DnnlPrimitive copy = context.get(
                        context.key(DnnlKind.UNFOLD).add(box).add(steps).add(at.strides()),
                        Cost.elements(unfolded.elements / elements),
                        () -> DnnlRecipes.reorder(of, at));
                copy.at(0, source).at(1, target).run(context);
            }
        }
        return true;
    }

    private static boolean reachesBeyond(Window window, WindowSizes sizes) {
        for (int axis = 0; axis < window.axes(); axis++) {
            if (sizes.left[axis] > 0 || sizes.right[axis] > 0) {
                return true;
            }
        }
        return false;
    }

    private CpuTensor memory(TensorScope scope, Shape shape) {
        return backend.asItLies(scope.allocate(shape, DType.FLOAT32));
    }
}
