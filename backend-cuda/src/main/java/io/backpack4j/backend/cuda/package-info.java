/**
 * The backend for NVIDIA's GPUs: cuBLAS for matrix products, kernels of our own for the rest, compiled by NVRTC for the
 * device at hand.
 *
 * <p>Start at {@link io.backpack4j.backend.cuda.CudaPlugin} and {@code CudaBackend}; docs/adr/0010 tells how streams
 * and memory go together. JCuda stays behind {@code CudaApi}: nothing but {@code JCudaApi} and its helpers touch it.
 */
@NullMarked
package io.backpack4j.backend.cuda;

import org.jspecify.annotations.NullMarked;
