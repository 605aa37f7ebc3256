// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.backend.cpu.memory.Block;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.spi.backend.Contractions;
import io.backpack4j.spi.backend.Convolutions;
import io.backpack4j.spi.backend.Decompositions;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.backend.Indexing;
import io.backpack4j.spi.backend.Pooling;
import io.backpack4j.spi.backend.Products;
import io.backpack4j.spi.backend.Recurrences;
import io.backpack4j.spi.backend.Reductions;

/** Java loops over native memory, OpenBLAS for products, ND4J for large arrays: every operation, for every type. */
public final class HostKernels implements KernelSet {

    private final HostElementwise elementwise;
    private final HostReductions reductions;
    private final HostProducts products;
    private final HostIndexing indexing;
    private final Contractions contractions;
    private final Convolutions convolutions;
    private final HostDecompositions decompositions;
    private final Pooling pooling;
    private final Recurrences recurrences;
    private final int openBlasThreads;
    private final int nd4jThreads;

    /** Creates kernels that use so many threads of either library. */
    public HostKernels(NativeBackend backend, int openBlasThreads, int nd4jThreads) {
        this.openBlasThreads = openBlasThreads;
        this.nd4jThreads = nd4jThreads;
        NativeThreads.open(openBlasThreads, nd4jThreads);
        elementwise = new HostElementwise(backend);
        reductions = new HostReductions(backend);
        products = new HostProducts(backend);
        indexing = new HostIndexing(backend);
        contractions = new HostContractions(backend);
        convolutions = new HostConvolutions(backend);
        pooling = new HostPooling(backend);
        recurrences = () -> backend;
        decompositions = new HostDecompositions(backend);
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
    public Contractions contractions() {
        return contractions;
    }

    @Override
    public Convolutions convolutions() {
        return convolutions;
    }

    @Override
    public Decompositions decompositions() {
        return decompositions;
    }

    @Override
    public Recurrences recurrences() {
        return recurrences;
    }

    @Override
    public Pooling pooling() {
        return pooling;
    }

    @Override
    public void makeRowMajor(Block block) {
        throw new IllegalStateException("These kernels make no other order: " + block.arrangement);
    }

    @Override
    public void close() {
        NativeThreads.close(openBlasThreads, nd4jThreads);
    }
}
