/**
 * A backend that is easy to trust, for tests: every operation is the obvious loop, every rule of the contracts is
 * checked.
 *
 * <p>Start at {@link io.backpack4j.spi.testing.HeapBackend}. Fused operations are the portable defaults, so that tests
 * of these run on it too. {@link io.backpack4j.spi.testing.TestContext} stands in for the kernel.
 */
@NullMarked
package io.backpack4j.spi.testing;

import org.jspecify.annotations.NullMarked;
