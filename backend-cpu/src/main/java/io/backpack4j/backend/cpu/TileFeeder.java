package io.backpack4j.backend.cpu;

import java.util.function.LongUnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Hands single tiles to a consumer.
 *
 * @param primitive what is run for a tile
 * @param move moves the primitive's arguments to a tile
 * @param place where the consumer wants the tile of a number to stay, if it keeps tiles
 */
record TileFeeder(DnnlPrimitive primitive, Move move, @Nullable LongUnaryOperator place) {

    /** Moves a primitive's arguments to the tile of number {@code b}. */
    interface Move {
        void to(DnnlPrimitive primitive, long tile, long b);
    }

    TileFeeder(DnnlPrimitive primitive, Move move) {
        this(primitive, move, null);
    }

    void feed(DnnlContext context, long tile, long b) {
        move.to(primitive, tile, b);
        primitive.run(context);
    }
}
