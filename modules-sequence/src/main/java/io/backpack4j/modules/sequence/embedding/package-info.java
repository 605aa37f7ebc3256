/**
 * Tables whose rows stand for integers: {@link io.backpack4j.modules.sequence.embedding.Embedding} and sums or means of
 * several rows, {@link io.backpack4j.modules.sequence.embedding.EmbeddingBag}. Per-sample derivatives touch only rows
 * that occur.
 */
@NullMarked
package io.backpack4j.modules.sequence.embedding;

import org.jspecify.annotations.NullMarked;
