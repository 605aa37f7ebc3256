// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.linearization;

import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.internal.calls.BackendCalls;
import io.backpack4j.kernel.internal.evaluation.ChunkForward;
import io.backpack4j.kernel.internal.evaluation.PassInputs;
import io.backpack4j.kernel.internal.layout.PassLayout;
import io.backpack4j.kernel.internal.layout.SiteLayout;
import io.backpack4j.kernel.internal.layout.Splitting;
import io.backpack4j.kernel.internal.pass.Products;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.extension.BlockProduct;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.extension.NetworkProduct;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Products with blocks as those of the whole network with all other tangents zero: right on forks and for shared
 * parameters.
 */
public final class NetworkProducts implements Products {

    private final Backend backend;
    private final DType dtype;
    private final Map<String, Shape> parameters;
    private final LinearizedBatch batch;
    private boolean closed;

    /** Opens products; see {@link Products.Factory}. */
    public static final Factory FACTORY = new Factory() {
        @Override
        public Products open(
                PassLayout layout,
                Splitting splitting,
                Backend backend,
                PassInputs inputs,
                double normaliser,
                Set<CurvatureMatrix> matrices,
                @Nullable ChunkForward whole) {
            return new NetworkProducts(layout, splitting, backend, inputs, normaliser, matrices, whole);
        }

        @Override
        public OfChunk openChunk(
                PassLayout layout,
                Backend backend,
                ChunkForward chunk,
                double normaliser,
                Set<CurvatureMatrix> matrices) {
            return new LinearizedChunk(layout, backend, chunk, false, normaliser, matrices);
        }
    };

    private NetworkProducts(
            PassLayout layout,
            Splitting splitting,
            Backend backend,
            PassInputs inputs,
            double normaliser,
            Set<CurvatureMatrix> matrices,
            @Nullable ChunkForward whole) {
        this.backend = backend;
        this.dtype = layout.dtype();
        this.parameters = new LinkedHashMap<>();
        layout.sites().forEach(site -> parameters.put(site.parameter(), site.shape()));
        this.batch = new LinearizedBatch(layout, splitting, backend, inputs, normaliser, matrices, whole);
    }

    @Override
    public BlockProduct of(CurvatureMatrix matrix, SiteLayout site) {
        return new SiteProduct(matrix, site.parameter(), site.shape());
    }

    @Override
    public NetworkProduct ofNetwork(CurvatureMatrix matrix) {
        return new NetworkProduct() {
            @Override
            public Map<String, Shape> parameters() {
                return Collections.unmodifiableMap(parameters);
            }

            @Override
            public Map<String, Tensor> multiply(TensorScope scope, Map<String, Tensor> vectors) {
                requireOpen("of the network");
                VectorChecks.columns(backend, dtype, parameters, vectors);
                return BackendCalls.call(backend, "The product with the " + matrix.name(), () -> {
                    Map<String, Tensor> products = Zeros.like(backend, scope, vectors);
                    batch.multiply(matrix, 1, vectors, products);
                    return products;
                });
            }
        };
    }

    private void requireOpen(String what) {
        if (closed) {
            throw new BackpackException(
                    KernelProblems.CLOSED,
                    "The results that this product %s belongs to were closed. Multiply before.".formatted(what));
        }
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
            requireOpen("with the block of '%s'".formatted(name));
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
