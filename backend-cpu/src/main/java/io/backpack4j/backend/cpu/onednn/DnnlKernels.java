// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import io.backpack4j.backend.cpu.loops.HostKernels;
import io.backpack4j.backend.cpu.loops.KernelSet;
import io.backpack4j.backend.cpu.memory.Arrangement;
import io.backpack4j.backend.cpu.memory.Block;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.backend.cpu.memory.Scratch;
import io.backpack4j.spi.backend.Contractions;
import io.backpack4j.spi.backend.Convolutions;
import io.backpack4j.spi.backend.Decompositions;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.backend.Indexing;
import io.backpack4j.spi.backend.Pooling;
import io.backpack4j.spi.backend.Precision;
import io.backpack4j.spi.backend.Products;
import io.backpack4j.spi.backend.Recurrences;
import io.backpack4j.spi.backend.Reductions;
import io.backpack4j.spi.tensor.DType;
import java.util.function.Supplier;
import org.bytedeco.javacpp.Pointer;

/** oneDNN's primitives for single precision where they are fast; the host's kernels elsewhere. */
public final class DnnlKernels implements KernelSet {

    private final HostKernels host;
    private final DnnlContexts contexts;
    private final Elementwise elementwise;
    private final Reductions reductions;
    private final DnnlProducts products;
    private final Indexing indexing;
    private final Contractions contractions;
    private final Convolutions convolutions;
    private final DnnlPooling pooling;
    private final Recurrences recurrences;

    public DnnlKernels(NativeBackend backend, int threads) {
        host = new HostKernels(backend, 1, threads);
        contexts = new DnnlContexts(backend.pool(), threads);
        elementwise = new DnnlElementwise(backend, contexts, host.elementwise());
        reductions = new DnnlReductions(backend, contexts, host.reductions());
        products = new DnnlProducts(backend, contexts, host.products());
        indexing = new DnnlIndexing(backend, contexts, host.indexing());
        contractions = new DnnlContractions(backend, contexts, host.contractions());
        convolutions = new DnnlConvolutions(backend, contexts, products, host.convolutions());
        pooling = new DnnlPooling(backend, contexts, host.pooling());
        recurrences = new DnnlRecurrences(backend, contexts, threads);
    }

    @Override
    public boolean supports(Precision precision, DType dtype) {
        return precision == Precision.FULL || (dtype == DType.FLOAT32 && Rounding.isFast());
    }

    @Override
    public <T> T in(Precision precision, Supplier<T> work) {
        return contexts.get().in(precision, work);
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

    @Override
    public Recurrences recurrences() {
        return recurrences;
    }

    @Override
    public void makeRowMajor(Block block) {
        Arrangement arrangement = block.arrangement;
        if (arrangement instanceof Arrangement.ChannelsLast order) {
            putChannelsFirst(block, order);
        } else if (arrangement instanceof WindowElements elements) {
            pooling.writePositions(block, elements);
        }
        block.arrangement = null;
    }

    private void putChannelsFirst(Block block, Arrangement.ChannelsLast order) {
        DnnlContext context = contexts.get();
        Block copy = context.pool().allocate(block.requested);
        try {
            ChannelsLastPlanes.reorder(context, block.requested / Float.BYTES, order, false)
                    .at(0, block.address)
                    .at(1, copy.address)
                    .run(context);
            Scratch scratch = Scratch.get();
            Pointer.memcpy(scratch.to.at(block.address), scratch.from.at(copy.address), block.requested);
        } finally {
            context.pool().release(copy);
        }
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
