/**
 * Quantities against reference values, against the oracle and against each other, on every set of kernels of the CPU
 * backend.
 */
@NullMarked
package io.backpack4j.it.quantities;

import org.jspecify.annotations.NullMarked;
