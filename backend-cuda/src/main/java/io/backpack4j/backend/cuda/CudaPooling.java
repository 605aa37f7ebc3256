// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import io.backpack4j.spi.backend.Pooling;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.backend.portable.PortablePooling;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Maxima and the ways back by kernels; linear maps as matrix products, the portable way. */
final class CudaPooling implements Pooling {

    private final CudaBackend backend;
    private final Pooling portable;

    CudaPooling(CudaBackend backend) {
        this.backend = backend;
        this.portable = new PortablePooling(backend);
    }

    @Override
    public void maximum(Window window, Tensor x, Tensor destination, Tensor indices) {
        maximum(x, destination, indices, window.axes(), window);
    }

    @Override
    public void adaptiveMaximum(Tensor x, Tensor destination, Tensor indices) {
        maximum(x, destination, indices, destination.shape().rank() - 2, null);
    }

    private void maximum(Tensor x, Tensor destination, Tensor indices, int axes, @Nullable Window window) {
        CudaTensor in = backend.own(x);
        CudaTensor out = backend.own(destination);
        CudaTensor places = backend.own(indices);
        if (out.elements == 0) {
            return;
        }
        Shape inputs = in.shape().dropFirst(in.shape().rank() - axes);
        Shape outputs = out.shape().dropFirst(out.shape().rank() - axes);
        Arguments arguments = new Arguments()
                .tensor(in)
                .tensor(out)
                .tensor(places)
                .number(out.elements)
                .number(inputs.elements())
                .number(outputs.elements())
                .number(axes)
                .number(window == null ? 1 : 0);
        WindowArguments.append(arguments, inputs, outputs, window);
        backend.operation("maximum")
                .reads(in)
                .writes(out, places)
                .launch(KernelFile.POOLING, in.dtype(), "maximum", Grid.threads(out.elements), arguments);
    }

    @Override
    public void scatter(Tensor indices, Tensor source, Tensor destination) {
        CudaTensor places = backend.own(indices);
        CudaTensor in = backend.own(source);
        CudaTensor out = backend.own(destination);
        move("scatter", places, in, out, out.shape(), Grid.blocks(out.shape().elements(0, 2)));
    }

    @Override
    public void gather(Tensor x, Tensor indices, Tensor destination) {
        CudaTensor places = backend.own(indices);
        CudaTensor in = backend.own(x);
        CudaTensor out = backend.own(destination);
        move("gather", places, in, out, in.shape(), Grid.threads(out.elements));
    }

    private void move(String kernel, CudaTensor places, CudaTensor in, CudaTensor out, Shape whole, Grid grid) {
        if (out.elements == 0) {
            return;
        }
        Arguments arguments = new Arguments()
                .tensor(in)
                .tensor(places)
                .tensor(out)
                .number(whole.elements(0, 2))
                .number(places.shape().elements(0, 2))
                .number(whole.elements(2, whole.rank()))
                .number(places.shape().elements(2, places.shape().rank()));
        backend.operation(kernel)
                .reads(in, places)
                .writes(out)
                .launch(KernelFile.POOLING, in.dtype(), kernel, grid, arguments);
    }

    @Override
    public void resample(List<@Nullable Tensor> matrices, boolean transposed, Tensor x, Tensor destination) {
        portable.resample(matrices, transposed, x, destination);
    }
}
