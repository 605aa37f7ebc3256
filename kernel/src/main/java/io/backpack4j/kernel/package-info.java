/**
 * The public API: load plugins, build a model, compute results.
 *
 * <p>Start at {@link io.backpack4j.kernel.BackPack}; then {@link io.backpack4j.kernel.Model},
 * {@link io.backpack4j.kernel.Batch} and {@link io.backpack4j.kernel.Results}. A loaded instance serves several
 * threads; models may be read by several and changed by one at a time between passes; batches, results and their
 * tensors belong to one thread at a time. Everything {@code AutoCloseable} here owns native memory. Packages below
 * {@code internal} are not part of the API.
 */
@NullMarked
package io.backpack4j.kernel;

import org.jspecify.annotations.NullMarked;
