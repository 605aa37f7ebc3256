/**
 * Attention and what transformers are made of: {@link
 * io.backpack4j.modules.sequence.attention.ScaledDotProductAttention} without parameters, and compositions of it with
 * linear maps, norms and dropout.
 *
 * <p>Scores are made in rectangles ({@link io.backpack4j.modules.sequence.attention.ScoreTile}): all keys that some
 * neighbouring queries see, of one head, or several small heads at once. In every direction each is made, used and
 * forgotten, unless all of them are small.
 */
@NullMarked
package io.backpack4j.modules.sequence.attention;

import org.jspecify.annotations.NullMarked;
