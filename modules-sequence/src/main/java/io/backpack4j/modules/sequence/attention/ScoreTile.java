// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.attention;

import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;

/**
 * A rectangle of scores: some neighbouring queries of some neighbouring matrices, with the keys from the first on that
 * they may see. A softmax runs over a whole row of it.
 *
 * @param fromMatrix the first matrix
 * @param toMatrix the matrix behind the last
 * @param fromRow the first query
 * @param toRow the query behind the last; not all queries only if there is one matrix
 * @param keys the number of keys
 */
record ScoreTile(long fromMatrix, long toMatrix, long fromRow, long toRow, long keys) {

    /** How many scores are made at once: 2 MiB in single precision. */
    static final long MOST_SCORES = 1 << 19;

    /** All of them, so that no row is cut. Of a causal attention, keys behind the last query of a tile are left out. */
    static List<ScoreTile> of(HeadSizes sizes, boolean causal) {
        long queries = sizes.queries();
        long keys = sizes.keys();
        long scores = Math.max(1, queries * keys);
        List<ScoreTile> tiles = new ArrayList<>();
        if (scores <= MOST_SCORES) {
            long many = MOST_SCORES / scores;
            for (long matrix = 0; matrix < sizes.matrices(); matrix += many) {
                tiles.add(new ScoreTile(matrix, Math.min(sizes.matrices(), matrix + many), 0, queries, keys));
            }
            return tiles;
        }
        long rows = Math.max(1, MOST_SCORES / keys);
        for (long matrix = 0; matrix < sizes.matrices(); matrix++) {
            for (long row = 0; row < queries; row += rows) {
                long to = Math.min(queries, row + rows);
                tiles.add(new ScoreTile(matrix, matrix + 1, row, to, causal ? to : keys));
            }
        }
        return tiles;
    }

    /** The shape of the scores, {@code [matrices, rows, keys]}. */
    Shape shape() {
        return Shape.of(toMatrix - fromMatrix, toRow - fromRow, keys);
    }

    /** Of {@code [H·N, T, *]} what belongs to the queries, sharing memory. */
    Tensor ofQueries(TensorScope scope, Tensor tensor) {
        return part(scope, tensor, fromRow, toRow);
    }

    /** Of {@code [H·N, S, *]} what belongs to the keys, sharing memory. */
    Tensor ofKeys(TensorScope scope, Tensor tensor) {
        return part(scope, tensor, 0, keys);
    }

    private Tensor part(TensorScope scope, Tensor tensor, long from, long to) {
        Tensor matrices = scope.rows(tensor, fromMatrix, toMatrix);
        Shape shape = matrices.shape();
        if (from == 0 && to == shape.size(1)) {
            return matrices;
        }
        Tensor rows = scope.rows(scope.view(matrices, shape.dropFirst(1)), from, to);
        return scope.view(rows, rows.shape().prepend(1));
    }
}
