// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.heap;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Convolutions;
import io.backpack4j.spi.backend.Decompositions;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.backend.Indexing;
import io.backpack4j.spi.backend.MemoryStatistics;
import io.backpack4j.spi.backend.Pooling;
import io.backpack4j.spi.backend.Products;
import io.backpack4j.spi.backend.Reductions;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorKeeper;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Arithmetic in loops over Java arrays: slow, obvious, and strict. Shapes, types, closed and foreign tensors, and
 * destinations that overlap operands are checked in every operation; memory is NaN until it is written and after it is
 * freed; closing a backend with open tensors fails. Sums are taken in double precision and rounded to the type of the
 * destination.
 */
public final class HeapBackend implements Backend {

    /** The id. */
    public static final String ID = "heap";

    private final HeapMemory memory = new HeapMemory();
    private final TensorKeeper<HeapTensor> keeper = new TensorKeeper<>(ID, HeapTensor.class);
    private final AtomicLong openScopes = new AtomicLong();
    private final Elementwise elementwise = new HeapElementwise(this);
    private final Reductions reductions = new HeapReductions(this);
    private final Products products = new HeapProducts(this);
    private final Indexing indexing = new HeapIndexing(this);
    private final Convolutions convolutions = new HeapConvolutions(this);
    private final Pooling pooling = new HeapPooling(this);
    private final Decompositions decompositions = new HeapDecompositions(this);

    @Override
    public String id() {
        return ID;
    }

    @Override
    public TensorScope openScope() {
        keeper.requireOpen();
        openScopes.incrementAndGet();
        return new HeapScope(this);
    }

    @Override
    public MemoryStatistics memory() {
        return memory.statistics();
    }

    @Override
    public void resetPeak() {
        memory.resetPeak();
    }

    @Override
    public Elementwise elementwise() {
        return elementwise;
    }

    @Override
    public Reductions reductions() {
        return reductions;
    }

    @Override
    public Products products() {
        return products;
    }

    @Override
    public Indexing indexing() {
        return indexing;
    }

    @Override
    public Convolutions convolutions() {
        return convolutions;
    }

    @Override
    public Pooling pooling() {
        return pooling;
    }

    @Override
    public Decompositions decompositions() {
        return decompositions;
    }

    /** The number of scopes that are not closed. */
    public long openScopes() {
        return openScopes.get();
    }

    /** Fails if tensors are open. */
    @Override
    public void close() {
        memory.requireEmpty();
        keeper.close();
    }

    HeapMemory heap() {
        return memory;
    }

    void scopeClosed() {
        openScopes.decrementAndGet();
    }

    TensorKeeper<HeapTensor> keeper() {
        return keeper;
    }

    /** The tensor, if it is open and this backend's own. */
    HeapTensor own(Tensor tensor) {
        return keeper.own(tensor);
    }
}
