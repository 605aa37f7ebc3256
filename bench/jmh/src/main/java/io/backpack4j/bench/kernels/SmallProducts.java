// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.bench.kernels;

import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DST;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SRC;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_WEIGHTS;
import static org.bytedeco.dnnl.global.dnnl.dnnl_matmul_primitive_desc_create;

import io.backpack4j.bench.kernels.SmallPass.MatrixProduct;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_primitive_attr;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** All matrix products of a pass over a small network, one behind the other. */
public class SmallProducts {

    /** The backend, with row-major factors. */
    @State(Scope.Thread)
    public static class Kernel {

        @Param
        SmallPass pass;

        private Ours ours;
        private final List<Runnable> products = new ArrayList<>();

        @Setup
        public void open() {
            ours = new Ours();
            for (MatrixProduct product : pass.products) {
                Tensor a = ours.normal(stored(product.m(), product.k(), product.transposeA()));
                Tensor b = ours.normal(stored(product.k(), product.n(), product.transposeB()));
                Tensor c = ours.zeros(Shape.of(product.m(), product.n()));
                products.add(() ->
                        ours.backend.products().multiply(a, product.transposeA(), b, product.transposeB(), 1, 0, c));
            }
        }

        private static Shape stored(long rows, long columns, boolean transposed) {
            return transposed ? Shape.of(columns, rows) : Shape.of(rows, columns);
        }

        @TearDown
        public void close() {
            ours.close();
        }
    }

    /** oneDNN called directly, with every order its own choice. */
    @State(Scope.Thread)
    public static class Floor {

        @Param
        SmallPass pass;

        private final List<OneDnn> primitives = new ArrayList<>();

        @Setup
        public void open() {
            for (MatrixProduct product : pass.products) {
                var description = new dnnl_primitive_desc();
                OneDnn.check(dnnl_matmul_primitive_desc_create(
                        description,
                        OneDnn.ENGINE,
                        OneDnn.any(product.m(), product.k()),
                        OneDnn.any(product.k(), product.n()),
                        (dnnl_memory_desc) null,
                        OneDnn.any(product.m(), product.n()),
                        (dnnl_primitive_attr) null));
                primitives.add(new OneDnn(description, DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST));
            }
        }
    }

    @Benchmark
    public void ours(Kernel kernel) {
        kernel.products.forEach(Runnable::run);
    }

    @Benchmark
    public void floor(Floor floor) {
        floor.primitives.forEach(OneDnn::run);
    }
}
