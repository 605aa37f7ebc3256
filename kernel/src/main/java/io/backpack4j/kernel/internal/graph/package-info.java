/** Graphs bound to shapes, parameters' numbers, and batches. */
@NullMarked
package io.backpack4j.kernel.internal.graph;

import org.jspecify.annotations.NullMarked;
