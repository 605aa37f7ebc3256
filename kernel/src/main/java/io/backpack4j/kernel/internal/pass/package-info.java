/** Walks back through an evaluated network, as a layout says, and what that accumulates. */
@NullMarked
package io.backpack4j.kernel.internal.pass;

import org.jspecify.annotations.NullMarked;
