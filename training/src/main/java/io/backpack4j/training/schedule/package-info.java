/**
 * Schedules of learning rates, with the names, arguments and values of {@code torch.optim.lr_scheduler}. {@code n} is
 * the number of steps, or epochs, so far.
 */
@NullMarked
package io.backpack4j.training.schedule;

import org.jspecify.annotations.NullMarked;
