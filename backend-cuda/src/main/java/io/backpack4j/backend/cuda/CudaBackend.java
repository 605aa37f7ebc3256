// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Contractions;
import io.backpack4j.spi.backend.Convolutions;
import io.backpack4j.spi.backend.Decompositions;
import io.backpack4j.spi.backend.Indexing;
import io.backpack4j.spi.backend.MemoryAccount;
import io.backpack4j.spi.backend.MemoryStatistics;
import io.backpack4j.spi.backend.Pooling;
import io.backpack4j.spi.backend.RandomDraws;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorKeeper;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The CUDA backend: groups of operations, on one device. */
final class CudaBackend implements Backend {

    static final String ID = "cuda";

    private static final Logger LOG = LoggerFactory.getLogger(CudaBackend.class);

    private final Device device;
    private final TensorKeeper<CudaTensor> keeper = new TensorKeeper<>(ID, CudaTensor.class);
    private final CudaElementwise elementwise = new CudaElementwise(this);
    private final CudaReductions reductions = new CudaReductions(this);
    private final CudaProducts products = new CudaProducts(this);
    private final Indexing indexing = new CudaIndexing(this);
    private final Decompositions decompositions = new CudaDecompositions(this);
    private final RandomDraws random = new CudaRandomDraws(this);
    private final Contractions contractions = new CudaContractions(this);
    private final Convolutions convolutions = new CudaConvolutions(this);
    private final Pooling pooling = new CudaPooling(this);

    CudaBackend(CudaApi api, CudaOptions options) {
        this.device = new Device(api, options);
    }

    @Override
    public String id() {
        return ID;
    }

    @Override
    public CudaScope openScope() {
        keeper.requireOpen();
        return new CudaScope(this);
    }

    @Override
    public MemoryStatistics memory() {
        return device.memory();
    }

    @Override
    public void resetPeak() {
        device.resetPeak();
    }

    @Override
    public Optional<MemoryAccount> openAccount(long plannedBytes, long limitBytes) {
        return Optional.of(device.openAccount(plannedBytes, limitBytes));
    }

    @Override
    public CudaElementwise elementwise() {
        return elementwise;
    }

    @Override
    public CudaReductions reductions() {
        return reductions;
    }

    @Override
    public CudaProducts products() {
        return products;
    }

    @Override
    public Indexing indexing() {
        return indexing;
    }

    @Override
    public Decompositions decompositions() {
        return decompositions;
    }

    @Override
    public RandomDraws random() {
        return random;
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
    public Pooling pooling() {
        return pooling;
    }

    @Override
    public synchronized void close() {
        if (!keeper.close()) {
            return;
        }
        long open = device.memory().openTensors();
        if (open > 0) {
            LOG.warn("The CUDA backend was closed while {} tensors were open. They cannot be used any more.", open);
        }
        device.close();
    }

    Device device() {
        return device;
    }

    /** Starts to describe an operation. */
    Operation operation(String name) {
        return device.operation(name);
    }

    /** The tensor, if it is an open one of this backend. */
    CudaTensor own(Tensor tensor) {
        return keeper.own(tensor);
    }

    TensorKeeper<CudaTensor> keeper() {
        return keeper;
    }
}
