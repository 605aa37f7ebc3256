// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.attention;

import static io.backpack4j.spi.backend.BinaryOperation.MULTIPLY;
import static io.backpack4j.spi.backend.BinaryOperation.SUBTRACT;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Optional;

/**
 * What is done with the weights of one tile.
 *
 * @param backend the arithmetic
 * @param scope owns what is made
 * @param tile the tile
 * @param p the weights, {@code [matrices, rows, keys]}
 * @param factors what dropout multiplies them with, if there is any
 */
record TileArithmetic(Backend backend, TensorScope scope, ScoreTile tile, Tensor p, Optional<Tensor> factors) {

    static TileArithmetic of(Backend backend, TensorScope scope, AttentionWeights weights, ScoreTile tile) {
        Tensor p = weights.of(backend, scope, tile);
        return new TileArithmetic(backend, scope, tile, p, weights.factors(backend, scope, tile));
    }

    /** The same for numbers that are forgotten earlier. */
    TileArithmetic within(TensorScope inner) {
        return new TileArithmetic(backend, inner, tile, p, factors);
    }

    /** rows · keysᵀ, of queries and keys. */
    Tensor scores(Tensor rows, Tensor keys, double scale) {
        Tensor result = scope.allocate(p.shape(), p.dtype());
        backend.products()
                .multiply(tile.ofQueries(scope, rows), false, tile.ofKeys(scope, keys), true, scale, 0, result);
        return result;
    }

    /** scores += rows · keysᵀ. */
    void addScores(Tensor rows, Tensor keys, double scale, Tensor scores) {
        backend.products()
                .multiply(tile.ofQueries(scope, rows), false, tile.ofKeys(scope, keys), true, scale, 1, scores);
    }

    /** A tensor like the weights, as dropout leaves it: itself if there is none. */
    Tensor dropped(Tensor scores) {
        return factors.map(it -> product(scores, it)).orElse(scores);
    }

    /** scores = what dropout leaves of them. */
    void drop(Tensor scores) {
        factors.ifPresent(it -> backend.elementwise().combine(MULTIPLY, scores, it, scores));
    }

    /** a ⊙ b. */
    Tensor product(Tensor a, Tensor b) {
        Tensor result = scope.allocate(p.shape(), p.dtype());
        backend.elementwise().combine(MULTIPLY, a, b, result);
        return result;
    }

    /** scores = scores − the rows' means of them, weighted with p. */
    void centre(Tensor scores) {
        backend.elementwise().combine(SUBTRACT, scores, mean(p, scores), scores);
    }

    /** Σ over keys of weights ⊙ scores, {@code [matrices, rows, 1]}. */
    Tensor mean(Tensor weights, Tensor scores) {
        Shape shape = p.shape();
        Tensor mean = scope.allocate(shape.with(2, 1), p.dtype());
        try (TensorScope work = backend.openScope()) {
            Tensor product = work.allocate(shape, p.dtype());
            backend.elementwise().combine(MULTIPLY, weights, scores, product);
            backend.reductions().reduce(Reduction.SUM, product, 2, 3, work.view(mean, shape.slice(0, 2)));
        }
        return mean;
    }

    /** destination = scale · scores · x, at the tile's queries. */
    void toQueries(Tensor scores, Tensor x, double scale, Tensor destination) {
        addToQueries(scores, x, scale, 0, destination);
    }

    /** destination += scale · scores · x, at the tile's queries. */
    void addToQueries(Tensor scores, Tensor x, double scale, Tensor destination) {
        addToQueries(scores, x, scale, 1, destination);
    }

    private void addToQueries(Tensor scores, Tensor x, double scale, double beta, Tensor destination) {
        backend.products()
                .multiply(scores, false, tile.ofKeys(scope, x), false, scale, beta, tile.ofQueries(scope, destination));
    }

    /** destination += scale · scoresᵀ · x, at the tile's keys. */
    void addToKeys(Tensor scores, Tensor x, double scale, Tensor destination) {
        backend.products()
                .multiply(scores, true, tile.ofQueries(scope, x), false, scale, 1, tile.ofKeys(scope, destination));
    }
}
