/**
 * Handles on numbers: shapes, types, ownership.
 *
 * <p>Start at {@link io.backpack4j.spi.tensor.Tensor} and {@link io.backpack4j.spi.tensor.TensorScope}. Nothing here
 * calculates.
 */
@NullMarked
package io.backpack4j.spi.tensor;

import org.jspecify.annotations.NullMarked;
