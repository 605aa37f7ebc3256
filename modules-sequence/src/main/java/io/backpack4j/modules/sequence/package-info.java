/**
 * Layers over sequences: embeddings, recurrent layers and attention. {@link
 * io.backpack4j.modules.sequence.SequencePlugin} lists all types.
 */
@NullMarked
package io.backpack4j.modules.sequence;

import org.jspecify.annotations.NullMarked;
