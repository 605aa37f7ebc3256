package io.backpack4j.backend.cpu;

import io.backpack4j.spi.backend.PerSampleConvolution;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/**
 * destination += Σ_b w_b P_b² of a convolution's weight for several columns of cotangents: the inputs are unfolded once for all columns of a sample, {@code
 * [C · K, S]}, and each product with cotangents {@code [S, O]} is squared and added as it is made. One column does not pay for the unfolding.
 */
final class UnfoldedSquares {

    private static final long FEWEST_COLUMNS = 4;

    /** Smaller tiles are not worth a call. */
    private static final long SMALLEST_TILE = 2048;

    /** Tiles made by convolutions leave padding out, which is worth more than fusing the squares if there is much of it, */
    private static final double MOSTLY = 0.9;

    /** unless a tile takes so little work that writing it costs as much. */
    private static final long FEW_POSITIONS = 64;

    /** How much memory the unfolded inputs of a run of samples may take, unless one sample takes more. */
    private static final long RUN_BYTES = 4 << 20;

    private final CpuBackend backend;
    private final DnnlContext context;
    private final TensorScope scope;
    private final PerSampleConvolution product;

    UnfoldedSquares(CpuBackend backend, DnnlContext context, TensorScope scope, PerSampleConvolution product) {
        this.backend = backend;
        this.context = context;
        this.scope = scope;
        this.product = product;
    }

    static boolean fits(PerSampleConvolution product, TileConsumer consumer) {
        long samples = product.inputs().shape().size(0);
        return consumer instanceof TileConsumer.SumOfSquares squares
                && squares.center() == null
                && product.groups() == 1
                && samples > 0
                && product.outputs().shape().size(0) >= FEWEST_COLUMNS * samples
                && product.rows() * product.columns() >= SMALLEST_TILE
                && (product.positions() <= FEW_POSITIONS || inside(product) >= MOSTLY);
    }

    /** The part of all elements under windows that lies in the input. */
    private static double inside(PerSampleConvolution product) {
        Window window = product.window();
        Shape inputs = window.spatial(product.inputs().shape());
        Shape outputs = window.spatial(product.outputs().shape());
        double part = 1;
        for (int axis = 0; axis < window.axes(); axis++) {
            long kernel = window.kernel().get(axis);
            double count = 0;
            for (long k = 0; k < kernel; k++) {
                count += window.overlap(axis, k, inputs.size(axis), outputs.size(axis))
                        .count();
            }
            part *= count / (kernel * outputs.size(axis));
        }
        return part;
    }

    /** Adds the squares; nothing is done if oneDNN is slow at it. */
    boolean add(SamplePlanes inputs, SamplePlanes outputs, TileConsumer.SumOfSquares squares) {
        long samples = product.samples();
        long columns = product.columns();
        long rows = product.rows();
        long positions = product.positions();
        Tensor weights = squares.weights();
        DnnlPrimitive primitive = primitive(weights != null);
        if (!primitive.usable() || !inputs.written()) {
            return false;
        }
        CpuTensor sums = memory(Shape.of(columns, rows));
        backend.elementwise().fill(sums, 0);
        primitive.at(weights == null ? 2 : 3, sums.address());
        long firstWeight = weights == null ? 0 : backend.own(weights).address();
        long bytes = columns * positions * Float.BYTES;
        long run = Math.min(samples, outputs.written() ? Math.max(1, RUN_BYTES / bytes) : outputs.run());
        CpuTensor unfolded = memory(Shape.of(run, columns, positions));
        // the padding, which no run overwrites
        backend.elementwise().fill(unfolded, 0);
        for (long first = 0; first < samples; first += run) {
            long count = Math.min(run, samples - first);
            if (!unfold(inputs.at(first), count, unfolded.address())) {
                return false;
            }
            for (long b = first; b < product.batch(); b += samples) {
                for (long i = 0; i < count; i++) {
                    primitive.at(0, unfolded.address() + i * bytes).at(1, outputs.at(b + i));
                    if (weights != null) {
                        primitive.at(2, firstWeight + (b + i) * Float.BYTES);
                    }
                    primitive.run(context);
                }
            }
        }
        CpuTensor rowMajor = memory(Shape.of(rows, columns));
        backend.indexing().permute(sums, new int[] {1, 0}, rowMajor);
        Tensor shaped = scope.view(rowMajor, squares.destination().shape());
        backend.elementwise().addScaled(1, shaped, squares.destination());
        return true;
    }

    /** Writes {@code [n, C, K, *out]}. */
    private boolean unfold(long inputs, long count, long unfolded) {
        WindowSizes sizes = WindowSizes.of(
                product.window(),
                count,
                product.inputs().shape(),
                product.outputs().shape());
        long channels = product.inputs().shape().size(1);
        long positions = product.positions();
        int axes = sizes.axes();
        long[] shape = new long[axes + 2];
        long[] strides = new long[axes + 2];
        shape[0] = count;
        shape[1] = channels;
        strides[0] = product.columns() * positions;
        strides[1] = product.window().elements() * positions;
        long step = 1;
        for (int axis = axes - 1; axis >= 0; axis--) {
            shape[axis + 2] = sizes.output[axis];
            strides[axis + 2] = step;
            step *= sizes.output[axis];
        }
        Layout layout = new Layout(shape, strides);
        return WindowInputs.unfold(context, product.window(), sizes, inputs, unfolded, layout, positions);
    }

    private DnnlPrimitive primitive(boolean weighted) {
        long columns = product.columns();
        long rows = product.rows();
        long positions = product.positions();
        PrimitiveKey key = context.key(DnnlKind.SQUARED_PRODUCT)
                .add(columns)
                .add(positions)
                .add(rows)
                .add(weighted ? 1 : 0);
        return context.get(
                key,
                Cost.product(columns, rows, positions),
                () -> DnnlRecipes.squaredProduct(
                        Layout.dense(columns, positions),
                        Layout.dense(positions, rows),
                        Layout.dense(columns, rows),
                        false,
                        weighted));
    }

    private CpuTensor memory(Shape shape) {
        return backend.asItLies(scope.allocate(shape, DType.FLOAT32));
    }
}
