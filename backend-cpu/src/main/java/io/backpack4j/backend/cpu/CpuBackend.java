// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu;

import io.backpack4j.backend.cpu.loops.KernelSet;
import io.backpack4j.backend.cpu.memory.Block;
import io.backpack4j.backend.cpu.memory.HugePages;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.backend.cpu.onednn.LoadWatch;
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

/** The CPU backend: native memory and a set of kernels. */
final class CpuBackend extends NativeBackend {

    private final KernelSet kernels;
    private final LoadWatch watch;

    CpuBackend(KernelChoice choice, int threads, long memoryLimit, HugePages hugePages) {
        super(memoryLimit, hugePages, threads);
        this.kernels = choice.create(this, threads);
        this.watch = new LoadWatch(threads);
    }

    @Override
    public boolean supports(Precision precision, DType dtype) {
        return kernels.supports(precision, dtype);
    }

    @Override
    public <T> T in(Precision precision, Supplier<T> work) {
        return kernels.in(precision, work);
    }

    @Override
    public Elementwise elementwise() {
        return kernels.elementwise();
    }

    @Override
    public Reductions reductions() {
        return kernels.reductions();
    }

    @Override
    public Products products() {
        return kernels.products();
    }

    @Override
    public Indexing indexing() {
        return kernels.indexing();
    }

    @Override
    public Contractions contractions() {
        return kernels.contractions();
    }

    @Override
    public Convolutions convolutions() {
        return kernels.convolutions();
    }

    @Override
    public Decompositions decompositions() {
        return kernels.decompositions();
    }

    @Override
    public Pooling pooling() {
        return kernels.pooling();
    }

    @Override
    public Recurrences recurrences() {
        return kernels.recurrences();
    }

    @Override
    protected void rearrange(Block block) {
        kernels.makeRowMajor(block);
    }

    @Override
    protected void closeKernels() {
        watch.close();
        kernels.close();
    }

    KernelSet kernels() {
        return kernels;
    }
}
