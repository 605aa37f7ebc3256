// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import java.util.function.LongUnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Hands single tiles to a consumer.
 *
 * @param usable whether everything that it needs is fast
 * @param step works on a tile
 * @param place where the consumer wants the tile of a number to stay, if it keeps tiles
 */
record TileFeeder(boolean usable, Step step, @Nullable LongUnaryOperator place) {

    /** Works on the tile of number {@code b} at an address. */
    interface Step {
        void with(long tile, long b);
    }

    /** Moves a primitive's arguments to the tile of number {@code b} and runs it. */
    interface PrimitiveStep {
        void with(DnnlPrimitive primitive, long tile, long b);
    }

    /** One that runs a primitive for a tile. */
    TileFeeder(DnnlPrimitive primitive, PrimitiveStep step) {
        this(primitive, step, null);
    }

    /** One that runs a primitive for a tile, or leaves the tile at its place. */
    TileFeeder(DnnlPrimitive primitive, PrimitiveStep step, @Nullable LongUnaryOperator place) {
        this(primitive.usable(), (tile, b) -> step.with(primitive, tile, b), place);
    }

    void feed(long tile, long b) {
        step.with(tile, b);
    }
}
