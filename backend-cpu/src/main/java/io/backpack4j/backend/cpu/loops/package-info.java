/**
 * Kernels for every type: Java loops over native memory, OpenBLAS for products, ND4J for large arrays.
 *
 * <p>Start at {@code HostKernels}. Knows {@code memory}, and nothing of oneDNN. Public only for the neighbouring
 * packages.
 */
@NullMarked
package io.backpack4j.backend.cpu.loops;

import org.jspecify.annotations.NullMarked;
