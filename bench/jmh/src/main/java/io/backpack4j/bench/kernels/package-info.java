/** The CPU backend's kernels, measured beside what the machine can do. */
@NullMarked
package io.backpack4j.bench.kernels;

import org.jspecify.annotations.NullMarked;
