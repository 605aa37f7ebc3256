/**
 * Convolutions, pooling, padding and batch normalisation over one, two and three spatial axes.
 *
 * <p>Start at {@link io.backpack4j.modules.conv.Conv}. One record stands for the three types of a family: the number of
 * spatial axes makes {@code Conv2d} of {@code Conv}. Samples have shape {@code [C, *spatial]}; shapes in comments begin
 * with the batch axis N. {@link io.backpack4j.modules.conv.ConvPlugin} lists all types.
 */
@NullMarked
package io.backpack4j.modules.conv;

import org.jspecify.annotations.NullMarked;
