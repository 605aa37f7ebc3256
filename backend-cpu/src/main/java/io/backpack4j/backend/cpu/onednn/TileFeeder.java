// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import java.util.List;
import java.util.function.LongUnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Hands single tiles to a consumer.
 *
 * @param primitives what it runs
 * @param step works on a tile
 * @param end hands over what it kept of all tiles; for the thread that owns the consumer
 * @param place where the consumer wants the tile of a number to stay, if it keeps tiles
 */
record TileFeeder(
        List<DnnlPrimitive> primitives,
        Step step,
        Runnable end,
        @Nullable LongUnaryOperator place) {

    private static final Runnable NOTHING = () -> {};

    /** Works on the tile of number {@code b} at an address. */
    interface Step {
        void with(long tile, long b);
    }

    /** Moves a primitive's arguments to the tile of number {@code b} and runs it. */
    interface PrimitiveStep {
        void with(DnnlPrimitive primitive, long tile, long b);
    }

    /** One that keeps nothing for the end. */
    TileFeeder(List<DnnlPrimitive> primitives, Step step) {
        this(primitives, step, NOTHING, null);
    }

    /** One that runs a primitive for a tile. */
    TileFeeder(DnnlPrimitive primitive, PrimitiveStep step) {
        this(primitive, step, null);
    }

    /** One that runs a primitive for a tile, or leaves the tile at its place. */
    TileFeeder(DnnlPrimitive primitive, PrimitiveStep step, @Nullable LongUnaryOperator place) {
        this(List.of(primitive), (tile, b) -> step.with(primitive, tile, b), NOTHING, place);
    }

    /** Whether everything that it needs is fast. */
    boolean usable() {
        return primitives.stream().allMatch(DnnlPrimitive::usable);
    }

    void feed(long tile, long b) {
        step.with(tile, b);
    }
}
