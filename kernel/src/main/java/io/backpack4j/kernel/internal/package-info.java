/** Wiring of the public API. Not part of the API; the only place that knows Guice. */
@NullMarked
package io.backpack4j.kernel.internal;

import org.jspecify.annotations.NullMarked;
