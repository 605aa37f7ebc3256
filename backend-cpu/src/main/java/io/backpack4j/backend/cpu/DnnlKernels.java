package io.backpack4j.backend.cpu;

import io.backpack4j.spi.backend.Contractions;
import io.backpack4j.spi.backend.Convolutions;
import io.backpack4j.spi.backend.Decompositions;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.backend.Indexing;
import io.backpack4j.spi.backend.Pooling;
import io.backpack4j.spi.backend.Products;
import io.backpack4j.spi.backend.Reductions;

/** oneDNN's primitives for single precision where they are fast; the host's kernels elsewhere. */
final class DnnlKernels implements KernelSet {

    private final HostKernels host;
    private final DnnlContexts contexts;
    private final Elementwise elementwise;
    private final Reductions reductions;
    private final Products products;
    private final Indexing indexing;
    private final Contractions contractions;
    private final Convolutions convolutions;
    private final Pooling pooling;

    DnnlKernels(CpuBackend backend, int threads) {
        host = new HostKernels(backend, 1, threads);
        contexts = new DnnlContexts(backend.pool(), threads);
        elementwise = new DnnlElementwise(backend, contexts, host.elementwise());
        reductions = new DnnlReductions(backend, contexts, host.reductions());
        products = new DnnlProducts(backend, contexts, host.products());
        indexing = new DnnlIndexing(backend, contexts, host.indexing());
        contractions = new DnnlContractions(backend, contexts, host.contractions());
        convolutions = host.convolutions();
        pooling = host.pooling();
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
        return host.decompositions();
    }

    @Override
    public Pooling pooling() {
        return pooling;
    }

    DnnlContexts contexts() {
        return contexts;
    }

    @Override
    public void close() {
        contexts.close();
        host.close();
    }
}
