// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import io.backpack4j.spi.tensor.DType;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * CUDA as far as this backend needs it, for one device: memory, streams, modules, cuBLAS and a compiler. Addresses are
 * the device's. Calls that take a stream return before the work is done. Every method may throw {@link CudaFailure}.
 * Callers make sure that a stream and a cuBLAS handle are used by one thread at a time; everything else may be called
 * from any thread.
 */
interface CudaApi extends AutoCloseable {

    /** A queue of work: what one stream gets, it does in that order. */
    interface Stream {}

    /** A point in a stream's work. */
    interface Event {}

    /** Compiled kernels. */
    interface Module {}

    /** A kernel. */
    interface Function {}

    /** A cuBLAS handle, tied to a stream. */
    interface Blas {}

    /** Name of this device, for messages: {@code device 0 (NVIDIA H200)}. */
    String device();

    /** Architecture that code is compiled for, such as {@code sm_90}; part of the name of what is cached. */
    String architecture();

    Stream createStream();

    void destroy(Stream stream);

    /** Waits until the stream has done all it was given. */
    void synchronize(Stream stream);

    Event createEvent();

    void destroy(Event event);

    /** Puts the event behind the work that the stream has now. */
    void record(Event event, Stream stream);

    /** Lets the stream wait for the event where it was recorded last. */
    void await(Stream stream, Event event);

    /** Memory from the system, aligned to 256 bytes. */
    long allocate(long bytes);

    void free(long address);

    /** Copies from a direct buffer, which may be used again when the call returns. */
    void upload(long target, ByteBuffer source, long bytes, Stream stream);

    /** Copies into a direct buffer, which holds the bytes once the stream is {@link #synchronize synchronised}. */
    void download(ByteBuffer target, long source, long bytes, Stream stream);

    /** Copies within the device. */
    void copy(long target, long source, long bytes, Stream stream);

    /** Fills memory with zero bytes. */
    void clear(long target, long bytes, Stream stream);

    /** The compiler and its version; part of the name of what is cached. */
    String compiler();

    /**
     * Compiles a source file for this device.
     *
     * @param name the file's name, for messages
     * @param source the text
     * @param definitions macros, as {@code NAME=value}
     * @throws CudaFailure with the compiler's messages
     */
    byte[] compile(String name, String source, List<String> definitions);

    Module load(byte[] image);

    void unload(Module module);

    Function function(Module module, String name);

    /**
     * Runs a kernel that takes one structure.
     *
     * @param blocks the number of blocks
     * @param threads the number of threads of a block
     * @param words the structure's fields, eight bytes each
     */
    void launch(Function function, int blocks, int threads, Stream stream, long[] words);

    /** Makes a handle; {@code tensorFloat32} allows cuBLAS to round factors to TF32. */
    Blas createBlas(Stream stream, boolean tensorFloat32);

    void destroy(Blas blas);

    /** Multiplies matrices. */
    void multiply(Blas blas, DType dtype, MatrixProduct product);

    /** Solves for triangular matrices, in place. */
    void solve(Blas blas, DType dtype, TriangularSystem system);

    /** Lets go of the device. What was allocated, created or loaded must be freed before. */
    @Override
    void close();
}
