// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.heap;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Decompositions;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.backend.Indexing;
import io.backpack4j.spi.backend.MemoryStatistics;
import io.backpack4j.spi.backend.Products;
import io.backpack4j.spi.backend.Reductions;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.backend.BackendContract;

/** What a backend inherits that supplies plain operations alone keeps the contract. */
class PortableOperationsContractTest extends BackendContract {

    @Override
    protected Backend open() {
        return new PlainBackend(new HeapBackend());
    }

    private record PlainBackend(HeapBackend heap) implements Backend {

        @Override
        public String id() {
            return heap.id();
        }

        @Override
        public TensorScope openScope() {
            return heap.openScope();
        }

        @Override
        public MemoryStatistics memory() {
            return heap.memory();
        }

        @Override
        public void resetPeak() {
            heap.resetPeak();
        }

        @Override
        public Elementwise elementwise() {
            return heap.elementwise();
        }

        @Override
        public Reductions reductions() {
            return heap.reductions();
        }

        @Override
        public Products products() {
            return new PlainProducts(this, heap.products());
        }

        @Override
        public Decompositions decompositions() {
            return heap.decompositions();
        }

        @Override
        public Indexing indexing() {
            return heap.indexing();
        }

        @Override
        public void close() {
            heap.close();
        }
    }

    private record PlainProducts(Backend backend, Products heap) implements Products {

        @Override
        public void multiply(
                Tensor a,
                boolean transposeA,
                Tensor b,
                boolean transposeB,
                double alpha,
                double beta,
                Tensor destination) {
            heap.multiply(a, transposeA, b, transposeB, alpha, beta, destination);
        }
    }
}
