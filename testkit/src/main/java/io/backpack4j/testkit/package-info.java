/**
 * A backend that is easy to trust, for tests: every operation is the obvious loop, every rule of the contracts is
 * checked.
 *
 * <p>Start at {@link io.backpack4j.testkit.HeapBackend}. Fused operations are the portable defaults, so that tests
 * of these run on it too. {@link io.backpack4j.testkit.TestContext} stands in for the kernel.
 */
@NullMarked
package io.backpack4j.testkit;

import org.jspecify.annotations.NullMarked;
