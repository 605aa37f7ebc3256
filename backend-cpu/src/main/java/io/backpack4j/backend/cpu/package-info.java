/**
 * The CPU backend: Java loops, OpenBLAS and ND4J for every type, oneDNN for single precision.
 *
 * <p>Start at {@link io.backpack4j.backend.cpu.CpuPlugin} and {@code CpuBackend}, which puts a set of kernels over
 * native memory. Kernels stand in {@code onednn} and {@code loops}, memory and tensors in {@code memory}; each knows
 * only those behind it in this list. The plugin is all that others see, and native libraries stay below this package.
 */
@NullMarked
package io.backpack4j.backend.cpu;

import org.jspecify.annotations.NullMarked;
