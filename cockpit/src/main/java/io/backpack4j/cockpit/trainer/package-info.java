/**
 * The cockpit of a {@link io.backpack4j.training.Trainer}. The only package of the cockpit that knows the trainer; the
 * trainer knows none of it.
 */
@NullMarked
package io.backpack4j.cockpit.trainer;

import org.jspecify.annotations.NullMarked;
