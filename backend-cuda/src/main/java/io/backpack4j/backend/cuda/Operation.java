// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import io.backpack4j.spi.tensor.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** One operation: what it is called, what it reads and writes, and how it is given to the device. Used once. */
final class Operation {

    /** Below this, positions fit into 32 bits with room for a step of all threads. */
    private static final long NARROW_ELEMENTS = 1L << 30;

    private final Device device;
    private final KernelLibrary kernels;
    private final String name;
    private final List<CudaTensor> reads = new ArrayList<>(3);
    private final List<CudaTensor> writes = new ArrayList<>(2);

    Operation(Device device, KernelLibrary kernels, String name) {
        this.device = device;
        this.kernels = kernels;
        this.name = name;
    }

    Operation reads(CudaTensor... tensors) {
        reads.addAll(List.of(tensors));
        return this;
    }

    /** Operands that may be missing. */
    Operation readsOptional(@Nullable CudaTensor... tensors) {
        for (CudaTensor tensor : tensors) {
            if (tensor != null) {
                reads.add(tensor);
            }
        }
        return this;
    }

    Operation writes(CudaTensor... tensors) {
        writes.addAll(List.of(tensors));
        return this;
    }

    /**
     * Runs a kernel.
     *
     * @param real what the kernel takes for {@code real}
     */
    void launch(KernelFile file, DType real, String kernel, Grid grid, Arguments arguments) {
        long largest = Stream.concat(reads.stream(), writes.stream())
                .mapToLong(tensor -> tensor.elements)
                .max()
                .orElse(0);
        boolean wide = Math.max(largest, grid.work()) >= NARROW_ELEMENTS;
        device.enqueue(name, reads, writes, stream -> {
            CudaApi.Function function = kernels.function(file, real, wide, kernel);
            device.api().launch(function, grid.blocks(), grid.threads(), stream.handle, arguments.words());
        });
    }

    /** Multiplies matrices. */
    void multiply(DType dtype, MatrixProduct product) {
        device.enqueue(name, reads, writes, stream -> device.api().multiply(stream.blas, dtype, product));
    }

    /** Solves for a triangular matrix. */
    void solve(DType dtype, TriangularSystem system) {
        device.enqueue(name, reads, writes, stream -> device.api().solve(stream.blas, dtype, system));
    }

    /** Copies bytes as they are. */
    void copy(CudaTensor source, CudaTensor destination) {
        long bytes = source.elements * source.dtype().bytes();
        device.enqueue(
                name,
                reads,
                writes,
                stream -> device.api().copy(destination.address(), source.address(), bytes, stream.handle));
    }

    /** Fills a tensor with zeros. */
    void clear(CudaTensor destination) {
        long bytes = destination.elements * destination.dtype().bytes();
        device.enqueue(name, reads, writes, stream -> device.api().clear(destination.address(), bytes, stream.handle));
    }
}
