// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.bench.kernels;

import static org.bytedeco.dnnl.global.dnnl.dnnl_sgemm;

import io.backpack4j.spi.backend.PerSampleConvolution;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import org.bytedeco.javacpp.FloatPointer;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** Σ g², the squares of the gradients of all samples, of which none is kept. */
public class Squares {

    /** The rows and columns of the floor's matrices. */
    static final int SIZE = 1536;

    /** The backend. */
    @State(Scope.Thread)
    public static class Kernel {

        @Param
        Layer layer;

        private Ours ours;
        private PerSampleConvolution product;
        private List<TileConsumer> consumers;

        @Setup
        public void open() {
            ours = new Ours();
            Tensor x = layer.isFirst() ? ours.normal(layer.x()) : ours.afterConvolution(layer.x());
            product = new PerSampleConvolution(layer.window(), ours.afterConvolution(layer.y()), x, layer.weight());
            consumers = List.of(new TileConsumer.SumOfSquares(ours.zeros(layer.weight()), null, null));
        }

        @TearDown
        public void close() {
            ours.close();
        }
    }

    /** Square matrices for oneDNN's sgemm. */
    @State(Scope.Thread)
    public static class Floor {

        private FloatPointer a;
        private FloatPointer b;
        private FloatPointer c;

        @Setup
        public void open() {
            a = OneDnn.normal(SIZE * SIZE);
            b = OneDnn.normal(SIZE * SIZE);
            c = OneDnn.normal(SIZE * SIZE);
        }
    }

    @Benchmark
    public void ours(Kernel kernel) {
        kernel.ours.backend.convolutions().contract(kernel.product, kernel.consumers);
    }

    @Benchmark
    public void floor(Floor floor) {
        OneDnn.check(dnnl_sgemm(
                (byte) 'N', (byte) 'N', SIZE, SIZE, SIZE, 1, floor.a, SIZE, floor.b, SIZE, 0, floor.c, SIZE));
    }
}
