/**
 * The CPU backend: Java loops, OpenBLAS and ND4J for every type, oneDNN for single precision.
 *
 * <p>Start at {@link io.backpack4j.backend.cpu.CpuPlugin} and {@code CpuBackend}. Native libraries stay inside this
 * package.
 */
@NullMarked
package io.backpack4j.backend.cpu;

import org.jspecify.annotations.NullMarked;
