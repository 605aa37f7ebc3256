// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.memory;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.MemoryAccount;
import io.backpack4j.spi.backend.MemoryStatistics;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorKeeper;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The CPU backend as its kernels see it: its operations, and its tensors as they lie in memory. */
public abstract class NativeBackend implements Backend {

    public static final String ID = "cpu";

    private static final Logger LOG = LoggerFactory.getLogger(NativeBackend.class);

    private final MemoryPool pool;
    private final Team team;
    private final TensorKeeper<CpuTensor> keeper = new TensorKeeper<>(ID, CpuTensor.class);

    /**
     * @param memoryLimit how many bytes may be held from the system
     * @param hugePages for large blocks
     * @param threads how many threads loops in Java may use
     */
    protected NativeBackend(long memoryLimit, HugePages hugePages, int threads) {
        this.pool = new MemoryPool(memoryLimit, hugePages);
        this.team = new Team(threads);
    }

    /** Brings the elements of a block, which kernels arranged in another way, into row-major order. */
    protected abstract void rearrange(Block block);

    /** Frees what kernels keep outside the pool. */
    protected abstract void closeKernels();

    @Override
    public String id() {
        return ID;
    }

    @Override
    public TensorScope openScope() {
        keeper.requireOpen();
        return new CpuScope(this);
    }

    @Override
    public MemoryStatistics memory() {
        return pool.statistics();
    }

    @Override
    public void resetPeak() {
        pool.resetPeak();
    }

    @Override
    public Optional<MemoryAccount> openAccount(long plannedBytes, long limitBytes) {
        return Optional.of(pool.openAccount(plannedBytes, limitBytes));
    }

    @Override
    public long capacityBytes() {
        return pool.limit();
    }

    @Override
    public synchronized void close() {
        if (!keeper.close()) {
            return;
        }
        long open = pool.statistics().openTensors();
        if (open > 0) {
            LOG.warn("The CPU backend was closed while {} tensors were open. They cannot be used any more.", open);
        }
        team.close();
        closeKernels();
        pool.close();
    }

    public MemoryPool pool() {
        return pool;
    }

    /** The threads for loops in Java. */
    public Team team() {
        return team;
    }

    /** The tensor, if it is an open one of this backend, row-major. */
    public CpuTensor own(Tensor tensor) {
        CpuTensor own = asItLies(tensor);
        makeRowMajor(own.block);
        return own;
    }

    /** Gives a block the order that every kernel understands. */
    public void makeRowMajor(Block block) {
        settle(block);
        if (block.arrangement != null) {
            rearrange(block);
        }
    }

    /**
     * Prepares work that treats all elements alike: operands keep the arrangement that all of them have, and are made
     * row-major if they differ.
     *
     * @param destination overwritten; gets the arrangement of the sources
     * @param sources with planes in the same places
     */
    public void align(CpuTensor destination, List<CpuTensor> sources) {
        Arrangement arrangement = sources.get(0).block.arrangement;
        if (arrangement != null || destination.block.arrangement != null || !Arrangement.same(sources)) {
            boolean kept = Arrangement.same(sources)
                    && (destination.coversBlock() || Arrangement.same(List.of(destination, sources.get(0))));
            if (kept) {
                destination.block.arrangement = arrangement;
            } else {
                sources.forEach(source -> makeRowMajor(source.block));
                makeRowMajor(destination.block);
            }
        }
    }

    /** The tensor, if it is an open one of this backend, in whatever order its elements lie. */
    public CpuTensor asItLies(Tensor tensor) {
        CpuTensor own = handle(tensor);
        settle(own.block);
        return own;
    }

    /** Memory for single-precision numbers, which are not set, until the scope closes. */
    public CpuTensor singles(TensorScope scope, Shape shape) {
        return asItLies(scope.allocate(shape, DType.FLOAT32));
    }

    /** Writes what is pending on a block, and what is pending elsewhere and would be lost if the block changed. */
    private static void settle(Block block) {
        PendingPlanes pending = block.pending;
        if (pending != null) {
            pending.settle();
        }
        while (!block.readers.isEmpty()) {
            block.readers.get(0).settle();
        }
    }

    /**
     * The tensor, if it is an open one of this backend, perhaps with elements still to be written: only its sizes
     * count.
     */
    public CpuTensor handle(Tensor tensor) {
        return keeper.own(tensor);
    }

    TensorKeeper<CpuTensor> keeper() {
        return keeper;
    }
}
