// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.bench.kernels;

import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.Tensor;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** Cotangents of inputs from those of outputs. */
public class BackwardData {

    /** The backend. */
    @State(Scope.Thread)
    public static class Kernel {

        @Param
        Layer layer;

        private Ours ours;
        private Window window;
        private Tensor y;
        private Tensor weight;
        private Tensor x;

        @Setup
        public void open() {
            ours = new Ours();
            window = layer.window();
            y = ours.afterConvolution(layer.y());
            weight = ours.normal(layer.weight());
            x = ours.zeros(layer.x());
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
            primitive = new ConvolutionFloor(layer).backwardData();
        }
    }

    @Benchmark
    public void ours(Kernel kernel) {
        kernel.ours.backend.convolutions().convolveTransposed(kernel.window, kernel.y, kernel.weight, null, kernel.x);
    }

    @Benchmark
    public void floor(Floor floor) {
        floor.primitive.run();
    }
}
