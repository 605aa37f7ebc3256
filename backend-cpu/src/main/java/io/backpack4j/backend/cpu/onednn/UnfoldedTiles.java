// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.spi.backend.PerSampleConvolution;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;

/**
 * Weight gradients of single samples that are kept, where there are no more positions than channels: a convolution
 * would write a tile in its own order, and another walk through memory bring it into the user's. Inputs are unfolded,
 * {@code [n, S, C · K]}, which is less than tiles, some samples at a time, and their products with cotangents
 * {@code [S, O]} are written once, where they stay.
 */
final class UnfoldedTiles {

    /** Of smaller tiles there is little to gain. */
    private static final long SMALLEST_TILE_BYTES = 1 << 19;

    /** Most memory for the unfolded inputs of a run of samples, unless one sample takes more. */
    private static final long RUN_BYTES = 1 << 20;

    private final NativeBackend backend;
    private final DnnlContext context;
    private final TensorScope scope;
    private final PerSampleConvolution product;

    UnfoldedTiles(NativeBackend backend, DnnlContext context, TensorScope scope, PerSampleConvolution product) {
        this.backend = backend;
        this.context = context;
        this.scope = scope;
        this.product = product;
    }

    static boolean fits(PerSampleConvolution product, List<TileConsumer> consumers) {
        return consumers.size() == 1
                && consumers.get(0) instanceof TileConsumer.Copy
                && product.groups() == 1
                && product.rows() >= product.positions()
                && product.rows() * product.columns() * Float.BYTES >= SMALLEST_TILE_BYTES
                && sizes(product, 1).isExpressible();
    }

    /** Writes the tiles; nothing is done if oneDNN cannot, or is slow at it. */
    boolean write(SamplePlanes inputs, SamplePlanes outputs, CpuTensor destination) {
        if (!inputs.written()) {
            return false;
        }
        long samples = product.samples();
        long columnsOfInputs = product.inputs().shape().size(0) / samples;
        long row = product.positions() * product.columns();
        long most = Math.max(1, RUN_BYTES / (row * Float.BYTES));
        long run = Math.min(samples, outputs.written() ? most : outputs.run());
        long rest = samples % run;
        if (!primitive(run).usable() || (rest > 0 && !primitive(rest).usable())) {
            return false;
        }
        CpuTensor unfolded = unfolded(run);
        boolean permutes = product.window().elements() > 1;
        CpuTensor ordered = permutes ? backend.singles(scope, unfolded.shape()) : unfolded;
        long tileBytes = product.rows() * product.columns() * Float.BYTES;
        for (long column = 0; column < columnsOfInputs; column++) {
            for (long first = 0; first < samples; first += run) {
                long count = Math.min(run, samples - first);
                long input = column * samples + first;
                if (!unfold(inputs.at(input), count, unfolded.address())) {
                    return false;
                }
                if (permutes) {
                    channelsFirst(unfolded, ordered);
                }
                // all columns of cotangents share their inputs; those of inputs have one each
                long step = columnsOfInputs == 1 ? samples : product.batch();
                for (long b = input; b < product.batch(); b += step) {
                    primitive(count)
                            .at(0, outputs.at(b))
                            .at(1, ordered.address())
                            .at(2, destination.address() + b * tileBytes)
                            .run(context);
                }
            }
        }
        return true;
    }

    /** Rows {@code [K, C]} as {@code [C, K]}. */
    private void channelsFirst(CpuTensor unfolded, CpuTensor ordered) {
        long elements = product.window().elements();
        long channels = product.columns() / elements;
        long windows = unfolded.elements / product.columns();
        backend.indexing()
                .permute(
                        scope.view(unfolded, Shape.of(windows, elements, channels)),
                        new int[] {0, 2, 1},
                        scope.view(ordered, Shape.of(windows, channels, elements)));
    }

    private CpuTensor unfolded(long run) {
        CpuTensor unfolded = backend.singles(scope, Shape.of(run, product.positions(), product.columns()));
        if (WindowInputs.reachBeyond(sizes(product, run))) {
            // the padding, which no run overwrites
            backend.elementwise().fill(unfolded, 0);
        }
        return unfolded;
    }

    private boolean unfold(long inputs, long count, long unfolded) {
        long channels = product.inputs().shape().size(1);
        return WindowInputs.unfold(context, product.window(), sizes(product, count), inputs, channels, unfolded, false);
    }

    private static WindowSizes sizes(PerSampleConvolution product, long count) {
        return WindowSizes.of(
                product.window(),
                count,
                product.inputs().shape(),
                product.outputs().shape());
    }

    private DnnlPrimitive primitive(long count) {
        long rows = product.rows();
        long columns = product.columns();
        long positions = product.positions();
        PrimitiveKey key = context.key(DnnlKind.UNFOLDED_TILES)
                .add(count)
                .add(rows)
                .add(positions)
                .add(columns);
        return context.get(
                key,
                Cost.product(count * rows, columns, positions),
                () -> DnnlRecipes.matmul(
                        new Layout(new long[] {count, rows, positions}, new long[] {rows * positions, 1, rows}),
                        Layout.dense(count, positions, columns),
                        Layout.dense(count, rows, columns),
                        0));
    }
}
