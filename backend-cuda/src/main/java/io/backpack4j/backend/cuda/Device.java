// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.MemoryAccount;
import io.backpack4j.spi.backend.MemoryStatistics;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A device at work: its streams, its memory, its kernels. Every operation goes through {@link #enqueue}, one at a time,
 * which orders it with those of other streams and says what failed. Handing out work takes microseconds; the work
 * itself runs on.
 */
final class Device {

    private final CudaApi api;
    private final Streams streams;
    private final DevicePool pool;
    private final KernelLibrary kernels;

    Device(CudaApi api, CudaOptions options) {
        this.api = api;
        this.streams = new Streams(api, options.tensorFloat32());
        this.pool = new DevicePool(api, streams, options.blockSizes(), this);
        this.kernels = new KernelLibrary(api, options);
    }

    CudaApi api() {
        return api;
    }

    /** Starts to describe an operation. */
    Operation operation(String name) {
        return new Operation(this, kernels, name);
    }

    /**
     * Gives work to the stream of this thread.
     *
     * @param operation what it is, for messages
     * @param reads the tensors that it reads
     * @param writes the tensors that it writes, or adds to
     * @param work enqueues it
     * @return the stream
     */
    synchronized CudaStream enqueue(
            String operation, List<CudaTensor> reads, List<CudaTensor> writes, Consumer<CudaStream> work) {
        try {
            CudaStream stream = streams.current();
            reads.forEach(tensor -> streams.order(stream, tensor.block, false));
            writes.forEach(tensor -> streams.order(stream, tensor.block, true));
            stream.ticks++;
            work.accept(stream);
            reads.forEach(tensor -> streams.remember(stream, tensor.block, false));
            for (CudaTensor tensor : writes) {
                streams.remember(stream, tensor.block, true);
                tensor.block.written = null;
            }
            return stream;
        } catch (CudaFailure failure) {
            throw failed(operation, Stream.concat(reads.stream(), writes.stream()), failure);
        }
    }

    /** Waits for the stream that makes a tensor. */
    void finish(String operation, CudaTensor tensor, CudaStream stream) {
        try {
            api.synchronize(stream.handle);
        } catch (CudaFailure failure) {
            throw failed(operation, Stream.of(tensor), failure);
        }
    }

    private BackpackException failed(String operation, Stream<CudaTensor> operands, CudaFailure failure) {
        String shapes = operands.map(tensor -> tensor.dtype() + " " + tensor.shape())
                .collect(Collectors.joining(", ", "[", "]"));
        return new BackpackException(
                CudaProblems.CUDA_FAILURE,
                ("Operation '%s' of %s failed on %s: %s. The device reports some failures late, so an earlier"
                                + " operation may be the cause; CUDA_LAUNCH_BLOCKING=1 makes it report them at once.")
                        .formatted(operation, shapes, api.device(), failure.getMessage()),
                failure);
    }

    synchronized Block allocate(Shape shape, DType dtype) {
        try {
            Block block = pool.allocate(shape.elements() * dtype.bytes());
            pool.tensorOpened();
            return block;
        } catch (CudaFailure failure) {
            throw new BackpackException(
                    CudaProblems.CUDA_FAILURE,
                    "No memory for a tensor of type %s and shape %s on %s: %s."
                            .formatted(dtype, shape, api.device(), failure.getMessage()),
                    failure);
        }
    }

    /** One more handle uses a block. */
    synchronized void shared(Block block) {
        pool.retain(block);
        pool.tensorOpened();
    }

    /** One handle less uses a block. */
    synchronized void closed(Block block) {
        pool.tensorClosed();
        pool.release(block);
    }

    synchronized MemoryStatistics memory() {
        return pool.statistics();
    }

    synchronized MemoryAccount openAccount(long plannedBytes, long limitBytes) {
        return pool.openAccount(plannedBytes, limitBytes);
    }

    synchronized void resetPeak() {
        pool.resetPeak();
    }

    /** Waits for all work and lets go of everything, also where a part of that fails; the first failure is thrown. */
    synchronized void close() {
        List<CudaFailure> failures = new ArrayList<>();
        for (Runnable step : List.<Runnable>of(streams::close, pool::close, kernels::close, api::close)) {
            try {
                step.run();
            } catch (CudaFailure failure) {
                failures.add(failure);
            }
        }
        if (!failures.isEmpty()) {
            throw new BackpackException(
                    CudaProblems.CUDA_FAILURE,
                    "Closing %s failed: %s."
                            .formatted(api.device(), failures.get(0).getMessage()),
                    failures.get(0));
        }
    }
}
