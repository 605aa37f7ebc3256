/** What every loss must do: {@link io.backpack4j.testkit.loss.LossContract}. */
@NullMarked
package io.backpack4j.testkit.loss;

import org.jspecify.annotations.NullMarked;
