package io.backpack4j.backend.cpu;

import io.backpack4j.spi.backend.Contractions;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.backend.Indexing;
import io.backpack4j.spi.backend.Products;
import io.backpack4j.spi.backend.Reductions;

/** Java loops over native memory, OpenBLAS for products, ND4J for large arrays: every operation, for every type. */
final class HostKernels implements KernelSet {

    private final HostElementwise elementwise;
    private final HostReductions reductions;
    private final HostProducts products;
    private final HostIndexing indexing;
    private final Contractions contractions;
    private final int threads;

    /** With {@code threads} threads for OpenBLAS. */
    HostKernels(CpuBackend backend, int threads) {
        this.threads = threads;
        NativeThreads.limitOpenBlas(threads);
        elementwise = new HostElementwise(backend);
        reductions = new HostReductions(backend);
        products = new HostProducts(backend);
        indexing = new HostIndexing(backend);
        contractions = new HostContractions(backend);
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
    public void close() {
        NativeThreads.unlimitOpenBlas(threads);
    }
}
