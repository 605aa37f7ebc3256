/** Calls out of the kernel, and whom messages name when one fails. */
@NullMarked
package io.backpack4j.kernel.internal.calls;

import org.jspecify.annotations.NullMarked;
