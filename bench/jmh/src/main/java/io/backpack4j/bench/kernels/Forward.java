// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.bench.kernels;

import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** Convolutions of a batch, with bias. */
public class Forward {

    /** The backend. */
    @State(Scope.Thread)
    public static class Kernel {

        @Param
        Layer layer;

        private Ours ours;
        private Window window;
        private Tensor x;
        private Tensor weight;
        private Tensor bias;
        private Tensor y;

        @Setup
        public void open() {
            ours = new Ours();
            window = layer.window();
            x = layer.isFirst() ? ours.normal(layer.x()) : ours.afterConvolution(layer.x());
            weight = ours.normal(layer.weight());
            bias = ours.normal(Shape.of(layer.outputs));
            y = ours.zeros(layer.y());
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
            primitive = new ConvolutionFloor(layer).forward();
        }
    }

    @Benchmark
    public void ours(Kernel kernel) {
        kernel.ours.backend.convolutions().convolve(kernel.window, kernel.x, kernel.weight, kernel.bias, kernel.y);
    }

    @Benchmark
    public void floor(Floor floor) {
        floor.primitive.run();
    }
}
