package io.backpack4j.backend.cpu;

import java.util.function.LongUnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Hands single tiles to a consumer.
 *
 * @param primitive what is run for a tile
 * @param step moves the primitive's arguments to a tile and runs it
 * @param place where the consumer wants the tile of a number to stay, if it keeps tiles
 */
record TileFeeder(
        DnnlPrimitive primitive, Step step, @Nullable LongUnaryOperator place) {

    /** Works on the tile of number {@code b}. */
    interface Step {
        void with(DnnlPrimitive primitive, long tile, long b);
    }

    TileFeeder(DnnlPrimitive primitive, Step step) {
        this(primitive, step, null);
    }

    void feed(long tile, long b) {
        step.with(primitive, tile, b);
    }
}
