/**
 * Fused operations made of plain ones: what a {@link io.backpack4j.spi.backend.Backend} inherits until it has faster
 * ones.
 *
 * <p>The contracts stand in {@link io.backpack4j.spi.backend}. A backend that replaces a part of a group makes the
 * portable form of it, such as {@link io.backpack4j.spi.backend.portable.PortableConvolutions}, and hands it the rest.
 */
@Experimental
@NullMarked
package io.backpack4j.spi.backend.portable;

import io.backpack4j.spi.Experimental;
import org.jspecify.annotations.NullMarked;
