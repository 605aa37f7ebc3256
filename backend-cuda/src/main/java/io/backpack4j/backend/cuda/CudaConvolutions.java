// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Convolutions;
import io.backpack4j.spi.backend.PerSampleConvolution;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.backend.portable.PortableConvolutions;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Elements under windows are laid out and gathered by kernels of their own. Everything else is the portable form, made
 * of these and of batches of matrix products, some samples at a time, within the memory that plans reckon with.
 */
final class CudaConvolutions implements Convolutions {

    private final CudaBackend backend;
    private final Convolutions portable;

    CudaConvolutions(CudaBackend backend) {
        this.backend = backend;
        this.portable = new PortableConvolutions(backend);
    }

    @Override
    public Backend backend() {
        return backend;
    }

    @Override
    public void convolve(Window window, Tensor x, Tensor weight, @Nullable Tensor bias, Tensor destination) {
        portable.convolve(window, x, weight, bias, destination);
    }

    @Override
    public void convolveTransposed(Window window, Tensor y, Tensor weight, @Nullable Tensor bias, Tensor destination) {
        portable.convolveTransposed(window, y, weight, bias, destination);
    }

    @Override
    public void contract(PerSampleConvolution product, List<TileConsumer> consumers) {
        portable.contract(product, consumers);
    }

    @Override
    public void squaredNorms(PerSampleConvolution product, Tensor destination) {
        portable.squaredNorms(product, destination);
    }

    @Override
    public void unfold(Window window, Tensor x, List<Long> outputSizes, Tensor destination) {
        CudaTensor in = backend.own(x);
        CudaTensor out = backend.own(destination);
        Shape outputs = Shape.of(WindowArguments.longs(outputSizes));
        launch("unfold", window, in, out, out.size(1), in.size(1), window.spatial(in.shape()), outputs);
    }

    @Override
    public void fold(Window window, Tensor unfolded, List<Long> outputSizes, Tensor destination) {
        CudaTensor in = backend.own(unfolded);
        CudaTensor out = backend.own(destination);
        Shape outputs = Shape.of(WindowArguments.longs(outputSizes));
        launch("fold", window, in, out, in.size(1), out.size(1), window.spatial(out.shape()), outputs);
    }

    @Override
    public void unfoldTransposed(Window window, Tensor y, List<Long> inputSizes, Tensor destination) {
        CudaTensor in = backend.own(y);
        CudaTensor out = backend.own(destination);
        Shape inputs = Shape.of(WindowArguments.longs(inputSizes));
        launch("unfold_transposed", window, in, out, out.size(1), in.size(1), inputs, window.spatial(in.shape()));
    }

    private void launch(
            String kernel,
            Window window,
            CudaTensor in,
            CudaTensor out,
            long groups,
            long channels,
            Shape inputs,
            Shape outputs) {
        if (out.elements == 0) {
            return;
        }
        Arguments arguments = new Arguments()
                .tensor(in)
                .tensor(out)
                .number(in.size(0))
                .number(groups)
                .number(channels / groups)
                .number(inputs.elements())
                .number(outputs.elements())
                .number(window.elements())
                .number(window.axes());
        WindowArguments.append(arguments, inputs, outputs, window);
        backend.operation(kernel)
                .reads(in)
                .writes(out)
                .launch(KernelFile.CONVOLUTIONS, out.dtype(), kernel, Grid.threads(out.elements), arguments);
    }
}
