// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.bench.kernels;

import io.backpack4j.spi.backend.PerSampleConvolution;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.Tensor;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** The weight gradients of a batch, added to a tensor. */
public class BackwardWeights {

    /** The backend. */
    @State(Scope.Thread)
    public static class Kernel {

        @Param
        Layer layer;

        private Ours ours;
        private Window window;
        private PerSampleConvolution product;
        private Tensor sum;

        @Setup
        public void open() {
            ours = new Ours();
            window = layer.window();
            Tensor x = layer.isFirst() ? ours.normal(layer.x()) : ours.afterConvolution(layer.x());
            product = new PerSampleConvolution(window, ours.afterConvolution(layer.y()), x, layer.weight());
            sum = ours.zeros(layer.weight().prepend(1));
        }

        @TearDown
        public void close() {
            ours.close();
        }
    }

    /** oneDNN called directly. */
    @State(Scope.Thread)
    public static class Floor {

        @Param
        Layer layer;

        private OneDnn primitive;

        @Setup
        public void open() {
            primitive = new ConvolutionFloor(layer).backwardWeights();
        }
    }

    @Benchmark
    public void ours(Kernel kernel) {
        kernel.ours.backend.convolutions().sum(kernel.product, kernel.sum);
    }

    @Benchmark
    public void floor(Floor floor) {
        floor.primitive.run();
    }
}
