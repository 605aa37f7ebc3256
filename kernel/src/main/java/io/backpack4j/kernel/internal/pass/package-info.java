/** Walks a network forward and backward, as a plan says. */
@NullMarked
package io.backpack4j.kernel.internal.pass;

import org.jspecify.annotations.NullMarked;
