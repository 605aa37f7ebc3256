/**
 * Kernels for single precision: oneDNN's primitives where they are fast, those of {@code loops} elsewhere.
 *
 * <p>Start at {@code DnnlKernels}. Knows {@code loops} and {@code memory}. Public only for the neighbouring packages.
 */
@NullMarked
package io.backpack4j.backend.cpu.onednn;

import org.jspecify.annotations.NullMarked;
