package io.backpack4j.kernel.internal.linearization;

import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.internal.calls.BackendCalls;
import io.backpack4j.kernel.internal.evaluation.PassInputs;
import io.backpack4j.kernel.internal.layout.PassLayout;
import io.backpack4j.kernel.internal.layout.SiteLayout;
import io.backpack4j.kernel.internal.layout.Splitting;
import io.backpack4j.kernel.internal.pass.Products;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.extension.BlockProduct;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Map;
import java.util.Set;

/**
 * Products with blocks as those of the whole network with all other tangents zero: right on forks and for shared
 * parameters.
 */
public final class NetworkProducts implements Products {

    private final Backend backend;
    private final DType dtype;
    private final LinearizedBatch batch;
    private boolean closed;

    /** Opens; see {@link Products.Factory#open}. */
    public NetworkProducts(
            PassLayout layout,
            Splitting splitting,
            Backend backend,
            PassInputs inputs,
            double normaliser,
            Set<CurvatureMatrix> matrices) {
        this.backend = backend;
        this.dtype = layout.dtype();
        this.batch = new LinearizedBatch(layout, splitting, backend, inputs, normaliser, matrices);
    }

    @Override
    public BlockProduct of(CurvatureMatrix matrix, SiteLayout site) {
        return new SiteProduct(matrix, site.parameter(), site.shape());
    }

    @Override
    public void close() {
        closed = true;
        batch.close();
    }

    /** The block of one parameter. */
    private final class SiteProduct implements BlockProduct {

        private final CurvatureMatrix matrix;
        private final String name;
        private final Shape shape;

        SiteProduct(CurvatureMatrix matrix, String name, Shape shape) {
            this.matrix = matrix;
            this.name = name;
            this.shape = shape;
        }

        @Override
        public Shape parameter() {
            return shape;
        }

        @Override
        public Tensor multiply(TensorScope scope, Tensor vectors) {
            if (closed) {
                throw new BackpackException(
                        KernelProblems.CLOSED,
                        "The results that this product with the block of '%s' belongs to were closed. Multiply before."
                                .formatted(name));
            }
            VectorChecks.columns(backend, dtype, Map.of(name, shape), Map.of(name, vectors));
            return BackendCalls.call(backend, "The product with the block of '%s'".formatted(name), () -> {
                Tensor product = scope.allocate(vectors.shape(), vectors.dtype());
                backend.elementwise().fill(product, 0);
                batch.multiply(matrix, 1, Map.of(name, vectors), Map.of(name, product));
                return product;
            });
        }
    }
}
