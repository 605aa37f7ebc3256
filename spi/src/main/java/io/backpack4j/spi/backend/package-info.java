/**
 * What a backend supplies: arithmetic in small groups of operations.
 *
 * <p>Start at {@link io.backpack4j.spi.backend.BackendProvider} and {@link io.backpack4j.spi.backend.Backend}. A backend implements the plain
 * operations and inherits the fused ones until it has faster ones. {@link io.backpack4j.spi.backend.CounterRandom} fixes random numbers for
 * all backends.
 */
@NullMarked
package io.backpack4j.spi.backend;

import org.jspecify.annotations.NullMarked;
