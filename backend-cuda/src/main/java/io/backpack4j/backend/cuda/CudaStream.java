// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

/** A stream, its cuBLAS handle, and how far it knows the work of the others. Guarded by {@link Device}. */
final class CudaStream {

    final CudaApi.Stream handle;
    final CudaApi.Blas blas;
    final CudaApi.Event event;
    final int index;

    /** Number of operations that it was given. */
    long ticks;

    /**
     * Per stream, the operation that this one has waited for: all up to it come before whatever this stream gets next.
     */
    final long[] seen;

    CudaStream(CudaApi.Stream handle, CudaApi.Blas blas, CudaApi.Event event, int index, int streams) {
        this.handle = handle;
        this.blas = blas;
        this.event = event;
        this.index = index;
        this.seen = new long[streams];
    }
}
