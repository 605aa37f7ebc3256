// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.spi.backend.PerSampleConvolution;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/**
 * destination += Σ_b w_b (P_b − center)² of a convolution's weight where there are few positions: writing a tile takes
 * long beside making it then. Inputs are unfolded, {@code [n, S, K · C]}, some samples at a time for all columns, and
 * every product with cotangents {@code [S, O]} is squared and added as it is made. Of a large weight some rows are made
 * for all samples before the next ones, so that the sums, and the center, stay in the cache.
 */
final class UnfoldedSquares {

    /** With more positions tiles are made by convolutions, which unfold nothing. */
    private static final long MOST_POSITIONS = 64;

    /** Fewer columns do not pay for the unfolding, unless a tile is large. */
    private static final long FEWEST_COLUMNS = 4;

    /** Larger tiles are far from the second-level cache when they are read again, and so are the sums. */
    private static final long LARGE_TILE_BYTES = 4 << 20;

    /** The size of the sums, and the center, of the rows that are made at a time. */
    private static final long BLOCK_BYTES = 1 << 20;

    /** Number of elements in a register: blocks have as many rows, or multiples. */
    private static final long LANES = 16;

    /** Rows of a large weight are made at least so many at a time: calls take long beside fewer. */
    private static final long FEWEST_ROWS = 48;

    /** Smaller tiles are not worth a call. */
    private static final long SMALLEST_TILE = 2048;

    /** Most memory for the unfolded inputs of a run of samples, unless one sample takes more. */
    private static final long RUN_BYTES = 1 << 20;

    /** The same where some rows are made at a time: inputs are read from further away, the sums stay. */
    private static final long LONG_RUN_BYTES = 8 << 20;

    private final NativeBackend backend;
    private final DnnlContext context;
    private final TensorScope scope;
    private final PerSampleConvolution product;
    private final boolean rounded;

    /** @param rounded whether operands are rounded */
    UnfoldedSquares(
            NativeBackend backend,
            DnnlContext context,
            TensorScope scope,
            PerSampleConvolution product,
            boolean rounded) {
        this.rounded = rounded;
        this.backend = backend;
        this.context = context;
        this.scope = scope;
        this.product = product;
    }

    /** Rounded, what is unfolded is half as much to write, which one column pays for. */
    static boolean fits(PerSampleConvolution product, boolean rounded) {
        return product.groups() == 1
                && product.positions() <= MOST_POSITIONS
                && product.rows() * product.columns() >= SMALLEST_TILE
                && sizes(product, 1).isExpressible()
                && (rounded
                        || isUnfolded(product)
                        || product.rows() * product.columns() * Float.BYTES > LARGE_TILE_BYTES
                        || product.batch()
                                >= FEWEST_COLUMNS * product.inputs().shape().size(0));
    }

    /** Whether rounding operands pays. */
    static boolean paysRounding(DnnlContext context, PerSampleConvolution product) {
        double operands = (double) product.positions() * (product.rows() + product.columns());
        return Rounding.pays(context, (double) product.rows() * product.columns() * product.positions(), operands);
    }

    /** Adds the squares; nothing is done if oneDNN cannot, or is slow at it. */
    boolean add(SamplePlanes inputPlanes, SamplePlanes outputPlanes, TileConsumer.SumOfSquares squares) {
        if (!inputPlanes.written()) {
            return false;
        }
        long samples = product.inputs().shape().size(0);
        boolean copies = !isUnfolded(product);
        // what is unfolded is rounded as it is
        SamplePlanes inputs = rounded && !copies ? inputPlanes.rounded(backend, scope, samples) : inputPlanes;
        SamplePlanes outputs = rounded ? outputPlanes.rounded(backend, scope, samples) : outputPlanes;
        long number = rounded ? Rounding.BYTES : Float.BYTES;
        Tensor weights = squares.weights();
        Tensor center = squares.center();
        long rows = product.rows();
        // what is not in memory is written but once
        long block = outputs.written() ? blockRows(center != null) : rows;
        for (long row = 0; row < rows; row += block) {
            if (!primitive(Math.min(block, rows - row), center != null, weights != null)
                    .usable()) {
                return false;
            }
        }
        CpuTensor sums = backend.singles(scope, Shape.of(rows, product.columns()));
        backend.elementwise().fill(sums, 0);
        long centers = center == null ? 0 : elementsFirst(center).address();
        long firstWeight = weights == null ? 0 : backend.own(weights).address();
        long bytes = product.columns() * product.positions() * number;
        long most = block < rows ? LONG_RUN_BYTES : RUN_BYTES;
        long run = Math.min(samples, outputs.written() ? Math.max(1, most / bytes) : outputs.run());
        long unfolded = copies ? unfolded(run).address() : 0;
        for (long first = 0; first < samples; first += run) {
            long count = Math.min(run, samples - first);
            if (copies && !unfold(inputs.at(first), count, unfolded)) {
                return false;
            }
            for (long row = 0; row < rows; row += block) {
                DnnlPrimitive primitive = primitive(Math.min(block, rows - row), center != null, weights != null);
                long offset = row * product.columns() * Float.BYTES;
                int argument = 2;
                if (center != null) {
                    primitive.at(argument++, centers + offset);
                }
                int weight = argument;
                primitive.at(weights == null ? argument : argument + 1, sums.address() + offset);
                for (long b = first; b < product.batch(); b += samples) {
                    for (long i = 0; i < count; i++) {
                        long right = copies ? unfolded + i * bytes : inputs.at(first + i);
                        primitive.at(0, outputs.at(b + i) + row * number).at(1, right);
                        if (weights != null) {
                            primitive.at(weight, firstWeight + (b + i) * Float.BYTES);
                        }
                        primitive.run(context);
                    }
                }
            }
        }
        addTo(squares.destination(), sums);
        return true;
    }

    /** Number of rows that are made for all samples before the next ones. */
    private long blockRows(boolean centered) {
        long row = product.columns() * Float.BYTES * (centered ? 2 : 1);
        return Math.min(product.rows(), Math.max(FEWEST_ROWS, BLOCK_BYTES / row / LANES * LANES));
    }

    /** The center, {@code [O, C · K]}, as {@code [O, K · C]}. */
    private CpuTensor elementsFirst(Tensor center) {
        long elements = product.window().elements();
        long channels = product.columns() / elements;
        CpuTensor ordered = backend.singles(scope, Shape.of(product.rows(), elements, channels));
        Tensor rows = scope.view(center, Shape.of(product.rows(), channels, elements));
        backend.indexing().permute(rows, new int[] {0, 2, 1}, ordered);
        return ordered;
    }

    /** Whether the inputs, channels last, are what windows see: those of one element that visit every position. */
    private static boolean isUnfolded(PerSampleConvolution product) {
        WindowSizes sizes = sizes(product, 1);
        return product.window().elements() == 1
                && product.window().stride().stream().allMatch(step -> step == 1)
                && sizes.inputPositions() == sizes.outputPositions()
                && !WindowInputs.reachBeyond(sizes);
    }

    private CpuTensor unfolded(long run) {
        long elements = run * product.positions() * product.columns();
        long floats = rounded ? (elements * Rounding.BYTES + Float.BYTES - 1) / Float.BYTES : elements;
        CpuTensor unfolded = backend.singles(scope, Shape.of(floats));
        if (WindowInputs.reachBeyond(sizes(run))) {
            // the padding, which no run overwrites
            backend.elementwise().fill(unfolded, 0);
        }
        return unfolded;
    }

    private boolean unfold(long inputs, long count, long unfolded) {
        long channels = product.inputs().shape().size(1);
        return WindowInputs.unfold(context, product.window(), sizes(count), inputs, channels, unfolded, rounded);
    }

    private WindowSizes sizes(long count) {
        return sizes(product, count);
    }

    private static WindowSizes sizes(PerSampleConvolution product, long count) {
        return WindowSizes.of(
                product.window(),
                count,
                product.inputs().shape(),
                product.outputs().shape());
    }

    /** destination += the sums, {@code [O, K · C]}. */
    private void addTo(Tensor destination, CpuTensor sums) {
        long elements = product.window().elements();
        long rows = product.rows();
        long channels = product.columns() / elements;
        CpuTensor ordered = backend.singles(scope, Shape.of(rows, channels, elements));
        backend.indexing().permute(scope.view(sums, Shape.of(rows, elements, channels)), new int[] {0, 2, 1}, ordered);
        backend.elementwise().addScaled(1, scope.view(ordered, destination.shape()), destination);
    }

    private DnnlPrimitive primitive(long rows, boolean centered, boolean weighted) {
        long columns = product.columns();
        long all = product.rows();
        long positions = product.positions();
        PrimitiveKey key = context.key(DnnlKind.SQUARED_ROWS)
                .add(rows)
                .add(all)
                .add(positions)
                .add(columns)
                .add(centered ? 1 : 0)
                .add(weighted ? 1 : 0)
                .add(rounded ? 1 : 0);
        return context.get(
                key,
                Cost.product(rows, columns, positions),
                () -> DnnlRecipes.squaredProduct(
                        new Layout(new long[] {rows, positions}, new long[] {1, all}, rounded),
                        Layout.dense(positions, columns).rounded(rounded),
                        Layout.dense(rows, columns),
                        centered,
                        weighted));
    }
}
