// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.dryrun;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Contractions;
import io.backpack4j.spi.backend.Convolutions;
import io.backpack4j.spi.backend.Decompositions;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.backend.Indexing;
import io.backpack4j.spi.backend.MemoryStatistics;
import io.backpack4j.spi.backend.Pooling;
import io.backpack4j.spi.backend.Products;
import io.backpack4j.spi.backend.RandomDraws;
import io.backpack4j.spi.backend.Reductions;
import io.backpack4j.spi.tensor.TensorKeeper;
import io.backpack4j.spi.tensor.TensorScope;

/** A backend whose tensors have shapes and no numbers. Belongs to one thread. */
public final class DryRunBackend implements Backend {

    private final TensorKeeper<DryRunTensor> keeper;
    private final ByteCounter counter = new ByteCounter();
    private final WorkMeter meter = new WorkMeter();

    /** Creates a stand-in for the backend {@code id}. */
    public DryRunBackend(String id) {
        this.keeper = new TensorKeeper<>(id, DryRunTensor.class);
    }

    @Override
    public String id() {
        return keeper.backend();
    }

    /** What was done so far. */
    public WorkMeter meter() {
        return meter;
    }

    @Override
    public TensorScope openScope() {
        return new DryRunScope(keeper, counter);
    }

    @Override
    public MemoryStatistics memory() {
        return counter.statistics();
    }

    @Override
    public void resetPeak() {
        counter.resetPeak();
    }

    @Override
    public Elementwise elementwise() {
        return new DryRunElementwise(this);
    }

    @Override
    public Reductions reductions() {
        return new DryRunReductions(this);
    }

    @Override
    public Products products() {
        return new DryRunProducts(this);
    }

    @Override
    public Indexing indexing() {
        return new DryRunIndexing(this);
    }

    @Override
    public Decompositions decompositions() {
        return new DryRunDecompositions(this);
    }

    @Override
    public RandomDraws random() {
        return new DryRunRandomDraws(meter);
    }

    @Override
    public Contractions contractions() {
        return new DryRunContractions(this);
    }

    @Override
    public Convolutions convolutions() {
        return new DryRunConvolutions(this);
    }

    @Override
    public Pooling pooling() {
        return new DryRunPooling(this);
    }

    @Override
    public void close() {}
}
