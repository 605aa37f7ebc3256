// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.backend;

import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/** Whatever moves elements. */
record IndexingChecks(BackendComparison both) {

    void movesElements() {
        both.compare("permute, extract and insert", side -> {
            var indexing = side.backend().indexing();
            List<Tensor> results = new ArrayList<>();
            for (int[] axes : new int[][] {{0, 1, 2}, {2, 0, 1}, {1, 0, 2}, {2, 1, 0}}) {
                for (Shape shape : List.of(BackendComparison.shape(side.random(), 3), Shape.of(2, 0, 3))) {
                    Tensor turned = side.dirty(shape.size(axes[0]), shape.size(axes[1]), shape.size(axes[2]));
                    indexing.permute(side.tensor(shape), axes, turned);
                    results.add(turned);
                }
            }
            List<Region> regions = List.of(
                    new Region(List.of(1L, 0L, 2L), List.of(1L, 2L, 3L), List.of(2L, 3L, 2L)),
                    new Region(List.of(0L, 4L, 6L), List.of(2L, 1L, 1L), List.of(2L, 1L, 1L)),
                    new Region(List.of(0L, 0L, 0L), List.of(1L, 1L, 1L), List.of(3L, 5L, 7L)),
                    new Region(List.of(3L, 0L, 1L), List.of(1L, 1L, 2L), List.of(0L, 2L, 2L)));
            for (Region region : regions) {
                Tensor part = side.dirty(region.shape());
                indexing.extract(side.tensor(3, 5, 7), region, part);
                Tensor whole = side.tensor(3, 5, 7);
                indexing.insert(side.tensor(region.shape()), region, whole);
                results.addAll(List.of(part, whole));
            }
            return results;
        });
    }

    void pads() {
        both.compare("pad", side -> {
            List<Region> regions = List.of(
                    new Region(List.of(1L, 0L, 2L), List.of(1L, 2L, 3L), List.of(2L, 3L, 2L)),
                    new Region(List.of(0L, 0L, 3L), List.of(1L, 1L, 1L), List.of(3L, 5L, 2L)),
                    new Region(List.of(0L, 0L, 0L), List.of(1L, 1L, 1L), List.of(3L, 5L, 7L)),
                    new Region(List.of(3L, 0L, 1L), List.of(1L, 1L, 2L), List.of(0L, 2L, 2L)));
            List<Tensor> results = new ArrayList<>();
            for (Region region : regions) {
                for (double value : new double[] {0, -0.5}) {
                    Tensor padded = side.dirty(3, 5, 7);
                    side.backend().indexing().pad(side.tensor(region.shape()), region, value, padded);
                    results.add(padded);
                }
            }
            return results;
        });
    }

    void gathersAndScatters() {
        both.compare("gather, add rows, pick, add at", side -> {
            var indexing = side.backend().indexing();
            List<Tensor> results = new ArrayList<>();
            for (int count : new int[] {0, 1, 12}) {
                Tensor rows = side.dirty(count, 2, 3);
                indexing.gatherRows(side.tensor(5, 2, 3), side.integers(Shape.of(count), 5), rows);
                Tensor sums = side.tensor(5, 2, 3);
                indexing.addRows(side.tensor(count, 2, 3), side.integers(Shape.of(count), 5), sums);
                results.addAll(List.of(rows, sums));
            }
            Shape shape = Shape.of(3, 4, 5);
            for (int axis = 0; axis < 3; axis++) {
                Shape left =
                        shape.slice(0, axis).append(shape.dropFirst(axis + 1).toArray());
                Tensor indices = side.integers(left, (int) shape.size(axis));
                Tensor picked = side.dirty(left);
                indexing.pick(side.tensor(shape), axis, indices, picked);
                Tensor sums = side.tensor(shape);
                indexing.addAt(indices, axis, -0.5, sums);
                results.addAll(List.of(picked, sums));
            }
            return results;
        });
    }
}
