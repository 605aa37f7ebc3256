/**
 * Native memory: the pool, tensors on its blocks, and how elements lie in them.
 *
 * <p>Start at {@code NativeBackend}. Knows no kernel: what it needs of one is in {@code PendingPlanes} and
 * {@code NativeBackend}'s abstract methods. Public only for the neighbouring packages.
 */
@NullMarked
package io.backpack4j.backend.cpu.memory;

import org.jspecify.annotations.NullMarked;
