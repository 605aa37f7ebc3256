/**
 * Recurrent layers: {@link io.backpack4j.modules.sequence.recurrent.RNN}, {@link
 * io.backpack4j.modules.sequence.recurrent.LSTM} and {@link io.backpack4j.modules.sequence.recurrent.GRU}. A layer goes
 * through time once, there and back, for all columns together; what it leaves behind at every step are the factors of
 * its weights' gradients, whose positions are the steps.
 */
@NullMarked
package io.backpack4j.modules.sequence.recurrent;

import org.jspecify.annotations.NullMarked;
