/** Finds plugins and picks a backend. */
@NullMarked
package io.backpack4j.kernel.internal.discovery;

import org.jspecify.annotations.NullMarked;
