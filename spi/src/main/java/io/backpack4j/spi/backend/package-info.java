/**
 * What a backend supplies: arithmetic in small groups of operations.
 *
 * <p>Start at {@link io.backpack4j.spi.backend.BackendProvider} and {@link io.backpack4j.spi.backend.Backend}. A
 * backend implements the plain operations and inherits the fused ones, which stand in {@link
 * io.backpack4j.spi.backend.portable}, until it has faster ones. Its tensors and scopes extend {@link
 * io.backpack4j.spi.tensor.ScopedTensor} and {@link io.backpack4j.spi.tensor.OwningScope}, and {@link
 * io.backpack4j.spi.tensor.TensorKeeper} checks whose they are. {@link io.backpack4j.spi.backend.CounterRandom} fixes
 * random numbers for all backends.
 */
@NullMarked
package io.backpack4j.spi.backend;

import org.jspecify.annotations.NullMarked;
