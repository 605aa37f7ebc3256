// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import io.backpack4j.backend.cpu.memory.Address;
import io.backpack4j.backend.cpu.memory.Arrangement;
import io.backpack4j.backend.cpu.memory.Block;
import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.spi.backend.Pooling;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Pooling of single precision by oneDNN, channels last. Positions of maxima stay in oneDNN's own numbers until somebody
 * else wants them. oneDNN's maxima lose NaN, so inputs that have any are the host's.
 */
final class DnnlPooling implements Pooling {

    private final NativeBackend backend;
    private final DnnlContexts contexts;
    private final Pooling host;
    private final ChannelsLastPlanes planes;

    DnnlPooling(NativeBackend backend, DnnlContexts contexts, Pooling host) {
        this.backend = backend;
        this.contexts = contexts;
        this.host = host;
        this.planes = new ChannelsLastPlanes(backend);
    }

    @Override
    public void maximum(Window window, Tensor x, Tensor destination, Tensor indices) {
        CpuTensor from = backend.asItLies(x);
        if (!from.isSingle() || !maximum(window, from, backend.asItLies(destination), backend.asItLies(indices))) {
            host.maximum(window, x, destination, indices);
        }
    }

    private boolean maximum(Window window, CpuTensor x, CpuTensor to, CpuTensor indices) {
        WindowSizes sizes = WindowSizes.of(window, x.shape().size(0), x.shape(), to.shape());
        long channels = x.shape().size(1);
        if (!sizes.isExpressible() || channels == 0 || !indices.coversBlock()) {
            return false;
        }
        DnnlContext context = contexts.get();
        DnnlPrimitive primitive = context.get(
                sizes.addTo(context.key(DnnlKind.MAXIMUM).add(channels)),
                Cost.elements(x.elements),
                () -> ConvolutionRecipes.maximum(sizes, channels));
        boolean fits = primitive.usable() && primitive.bytes(2) <= indices.block.requested;
        if (!fits || !scatterPrimitive(context, sizes, channels).usable()) {
            return false;
        }
        try (TensorScope scope = backend.openScope()) {
            long inputs = planes.read(context, scope, x, window.axes());
            if (!isFinite(context, scope, inputs, x.elements, channels)) {
                return false;
            }
            planes.write(
                    context,
                    scope,
                    to,
                    window.axes(),
                    address -> primitive
                            .at(0, inputs)
                            .at(1, address)
                            .at(2, indices.address())
                            .run(context));
        }
        indices.block.arrangement = new WindowElements(sizes, channels);
        return true;
    }

    private static DnnlPrimitive scatterPrimitive(DnnlContext context, WindowSizes sizes, long channels) {
        return context.get(
                sizes.addTo(context.key(DnnlKind.SCATTER).add(channels)),
                Cost.elements(sizes.batch * channels * sizes.inputPositions()),
                () -> ConvolutionRecipes.scatter(sizes, channels));
    }

    /** Whether the sums over channels are finite: then no element is NaN. */
    private boolean isFinite(DnnlContext context, TensorScope scope, long address, long elements, long channels) {
        CpuTensor sums = backend.singles(scope, Shape.of(channels));
        if (!DnnlReductions.sumColumns(context, 1, elements / channels, channels, address, sums.address())) {
            return false;
        }
        return backend.reductions().allFinite(sums);
    }

    @Override
    public void adaptiveMaximum(Tensor x, Tensor destination, Tensor indices) {
        host.adaptiveMaximum(x, destination, indices);
    }

    @Override
    public void scatter(Tensor indices, Tensor source, Tensor destination) {
        CpuTensor places = backend.handle(indices);
        CpuTensor from = backend.asItLies(source);
        if (places.block.arrangement instanceof WindowElements elements && places.coversBlock() && from.isSingle()) {
            scatter(elements, places, from, backend.asItLies(destination));
        } else {
            host.scatter(indices, source, destination);
        }
    }

    private void scatter(WindowElements elements, CpuTensor indices, CpuTensor from, CpuTensor to) {
        DnnlContext context = contexts.get();
        WindowSizes sizes = elements.pooling();
        long channels = elements.channels();
        if (to.coversBlock() && from.elements > 0) {
            TensorScope scope = backend.openScope();
            CpuTensor source = backend.handle(scope.view(from, from.shape()));
            CpuTensor places = backend.handle(scope.view(indices, indices.shape()));
            long cotangents = planes.read(context, scope, source, sizes.axes());
            PendingScatter.begin(this, elements, to.block, scope, source, places, cotangents);
            return;
        }
        long in = sizes.batch * channels * sizes.inputPositions() * Float.BYTES;
        long out = sizes.batch * channels * sizes.outputPositions() * Float.BYTES;
        try (TensorScope scope = backend.openScope()) {
            long cotangents = planes.read(context, scope, from, sizes.axes());
            long columns = from.shape().size(0) / sizes.batch;
            planes.write(context, scope, to, sizes.axes(), address -> {
                for (long column = 0; column < columns; column++) {
                    scatter(
                            context,
                            sizes,
                            channels,
                            cotangents + column * out,
                            indices.address(),
                            address + column * in);
                }
            });
        }
    }

    /** Scatters the planes of as many samples as {@code sizes} has, channels last, between addresses. */
    static void scatter(
            DnnlContext context, WindowSizes sizes, long channels, long cotangents, long places, long destination) {
        scatterPrimitive(context, sizes, channels)
                .at(0, cotangents)
                .at(1, places)
                .at(2, destination)
                .run(context);
    }

    /** The calling thread's. */
    DnnlContext context() {
        return contexts.get();
    }

    /** Bytes that the places of one sample take. */
    long placeBytes(WindowSizes sizes, long channels) {
        return scatterPrimitive(contexts.get(), sizes, channels).bytes(1) / sizes.batch;
    }

    @Override
    public void gather(Tensor x, Tensor indices, Tensor destination) {
        host.gather(x, indices, destination);
    }

    @Override
    public void resample(List<@Nullable Tensor> matrices, boolean transposed, Tensor x, Tensor destination) {
        CpuTensor from = backend.asItLies(x);
        CpuTensor to = backend.asItLies(destination);
        int axes = matrices.size();
        if (!from.isChannelsLast(axes) || !to.coversBlock()) {
            host.resample(matrices, transposed, x, destination);
            return;
        }
        // channels are one more axis, which keeps its elements
        List<@Nullable Tensor> all = new ArrayList<>(matrices);
        all.add(null);
        Arrangement arrangement = from.block.arrangement;
        from.block.arrangement = null;
        to.block.arrangement = null;
        try (TensorScope scope = backend.openScope()) {
            host.resample(
                    all,
                    transposed,
                    scope.view(from, asItLies(from.shape(), axes)),
                    scope.view(to, asItLies(to.shape(), axes)));
        } finally {
            from.block.arrangement = arrangement;
        }
        Shape shape = to.shape();
        var order =
                new Arrangement.ChannelsLast(shape.size(-axes - 1), shape.elements(shape.rank() - axes, shape.rank()));
        to.block.arrangement = order.isRowMajor() ? null : order;
    }

    /** {@code [1, B, *in, C]} of {@code [B, C, *in]}. */
    private static Shape asItLies(Shape shape, int axes) {
        int channelAxis = shape.rank() - axes - 1;
        Shape result = Shape.of(1, shape.elements(0, channelAxis));
        for (int axis = channelAxis + 1; axis < shape.rank(); axis++) {
            result = result.append(shape.size(axis));
        }
        return result.append(shape.size(channelAxis));
    }

    /** Turns elements of windows into positions within the input, row-major. */
    void writePositions(Block block, WindowElements elements) {
        WindowSizes sizes = elements.pooling();
        long channels = elements.channels();
        long outputs = sizes.outputPositions();
        int count = Math.toIntExact(sizes.batch * channels * outputs);
        boolean wide = scatterPrimitive(contexts.get(), sizes, channels).bytes(1) >= (long) count * Integer.BYTES;
        ByteBuffer numbers =
                ByteBuffer.allocate(count * (wide ? Integer.BYTES : 1)).order(ByteOrder.nativeOrder());
        numbers.put(new Address().range(block.address, numbers.capacity()).asByteBuffer());
        int at = 0;
        for (long n = 0; n < sizes.batch; n++) {
            for (long t = 0; t < outputs; t++) {
                for (long c = 0; c < channels; c++) {
                    long element = wide ? numbers.getInt(at * Integer.BYTES) : numbers.get(at) & 0xFF;
                    block.putLong(((n * channels + c) * outputs + t) * Long.BYTES, position(sizes, t, element));
                    at++;
                }
            }
        }
    }

    private static long position(WindowSizes sizes, long output, long element) {
        long position = 0;
        long scale = 1;
        for (int axis = sizes.axes() - 1; axis >= 0; axis--) {
            long t = output % sizes.output[axis];
            output /= sizes.output[axis];
            long k = element % sizes.kernel[axis];
            element /= sizes.kernel[axis];
            position += (t * sizes.stride[axis] + k * (sizes.dilation[axis] + 1) - sizes.left[axis]) * scale;
            scale *= sizes.input[axis];
        }
        return position;
    }
}
