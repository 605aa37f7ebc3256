// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.bench.kernels;

import io.backpack4j.spi.Plugin;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BackendConfiguration;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.ServiceLoader;

/** The CPU backend, and tensors of it as a pass would find them. */
final class Ours implements AutoCloseable {

    private static final Window POINTWISE =
            new Window(List.of(1L, 1L), List.of(1L, 1L), List.of(0L, 0L), List.of(1L, 1L));

    final Backend backend;
    final TensorScope scope;
    private final Random random = new Random(7);

    Ours() {
        int threads = Runtime.getRuntime().availableProcessors();
        backend = ServiceLoader.load(Plugin.class).stream()
                .flatMap(plugin -> plugin.get().backends().stream())
                .filter(provider -> provider.id().equals("cpu"))
                .findFirst()
                .orElseThrow()
                .open(new BackendConfiguration(threads, Map.of()));
        scope = backend.openScope();
    }

    /** Normal numbers, row-major. */
    Tensor normal(Shape shape) {
        Tensor tensor = scope.allocate(shape, DType.FLOAT32);
        float[] values = new float[(int) shape.elements()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        tensor.write(0, values, 0, values.length);
        return tensor;
    }

    Tensor zeros(Shape shape) {
        Tensor tensor = scope.allocate(shape, DType.FLOAT32);
        backend.elementwise().fill(tensor, 0);
        return tensor;
    }

    /** Numbers that lie as a convolution leaves them, which is how all but the first layer of a network find theirs. */
    Tensor afterConvolution(Shape shape) {
        long channels = shape.size(1);
        Tensor result = scope.allocate(shape, DType.FLOAT32);
        try (Tensor x = normal(shape);
                Tensor weight = normal(Shape.of(channels, channels, 1, 1))) {
            backend.elementwise().affine(weight, 1 / Math.sqrt(channels), 0, weight);
            backend.convolutions().convolve(POINTWISE, x, weight, null, result);
        }
        return result;
    }

    @Override
    public void close() {
        scope.close();
        backend.close();
    }
}
