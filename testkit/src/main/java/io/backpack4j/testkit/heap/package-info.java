/**
 * A backend that is easy to trust, for tests: every operation is the obvious loop, every rule of the contracts is
 * checked.
 *
 * <p>Start at {@link io.backpack4j.testkit.heap.HeapBackend}. Fused operations are the portable forms, so that tests of
 * these run on it too.
 */
@NullMarked
package io.backpack4j.testkit.heap;

import org.jspecify.annotations.NullMarked;
