// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class IndexingTest extends VariantTest {

    @EachVariant
    void permutesAxes(Variant variant) {
        var backend = backend(variant);
        Random random = Variant.random(30);
        try (var scope = backend.openScope()) {
            Object[][] cases = {
                {Shape.of(), new int[] {}},
                {Shape.of(4), new int[] {0}},
                {Shape.of(3, 5), new int[] {1, 0}},
                {Shape.of(100, 130), new int[] {1, 0}},
                {Shape.of(3, 5), new int[] {0, 1}},
                {Shape.of(2, 3, 4), new int[] {2, 0, 1}},
                {Shape.of(2, 3, 4), new int[] {0, 2, 1}},
                {Shape.of(20, 30, 40), new int[] {1, 0, 2}},
                {Shape.of(20, 30, 40), new int[] {0, 2, 1}},
                {Shape.of(20, 30, 40), new int[] {2, 1, 0}},
                {Shape.of(2, 0, 4), new int[] {2, 0, 1}},
                {Shape.of(2, 3, 4, 5), new int[] {0, 3, 1, 2}},
                {Shape.of(8, 16, 9, 9), new int[] {0, 2, 3, 1}},
                {Shape.of(2, 1, 3, 1, 2, 2), new int[] {5, 3, 2, 1, 4, 0}},
            };
            for (Object[] each : cases) {
                Shape shape = (Shape) each[0];
                int[] axes = (int[]) each[1];
                Numbers x = Numbers.random(random, variant, shape);
                long[] sizes = new long[axes.length];
                for (int axis = 0; axis < axes.length; axis++) {
                    sizes[axis] = shape.size(axes[axis]);
                }
                Numbers expected = Numbers.filled(Shape.of(sizes), 0);
                for (int i = 0; i < expected.values().length; i++) {
                    int[] index = expected.index(i);
                    int[] source = new int[axes.length];
                    for (int axis = 0; axis < axes.length; axis++) {
                        source[axes[axis]] = index[axis];
                    }
                    expected.values()[i] = x.at(source);
                }
                Tensor destination = dirty(scope, variant, expected.shape());
                backend.indexing().permute(x.on(scope, variant), axes, destination);
                expected.assertClose(destination, 0, "permute " + shape);
            }
        }
    }

    @EachVariant
    void extractsAndInsertsRegions(Variant variant) {
        var backend = backend(variant);
        Random random = Variant.random(31);
        try (var scope = backend.openScope()) {
            for (int round = 0; round < 60; round++) {
                Shape shape = randomShape(random, random.nextInt(5), round < 40 ? 8 : 24);
                List<Long> starts = new ArrayList<>();
                List<Long> steps = new ArrayList<>();
                List<Long> sizes = new ArrayList<>();
                for (int axis = 0; axis < shape.rank(); axis++) {
                    long step = 1L + random.nextInt(3);
                    long start = random.nextInt((int) shape.size(axis));
                    long room = (shape.size(axis) - start + step - 1) / step;
                    starts.add(start);
                    steps.add(step);
                    sizes.add((long) random.nextInt((int) room + 1));
                }
                Region region = round % 3 == 0 ? Region.all(shape) : new Region(starts, steps, sizes);
                Numbers x = Numbers.random(random, variant, shape);
                Numbers expected = Numbers.filled(region.shape(), 0);
                Numbers merged = Numbers.filled(shape, 7);
                for (int i = 0; i < expected.values().length; i++) {
                    int[] index = expected.index(i);
                    for (int axis = 0; axis < index.length; axis++) {
                        index[axis] = (int) (region.starts().get(axis)
                                + index[axis] * region.steps().get(axis));
                    }
                    expected.values()[i] = x.at(index);
                    merged.values()[x.position(index)] = x.at(index);
                }
                Tensor part = dirty(scope, variant, region.shape());
                backend.indexing().extract(x.on(scope, variant), region, part);
                expected.assertClose(part, 0, "extract " + region);
                Tensor whole = Numbers.filled(shape, 7).on(scope, variant);
                backend.indexing().insert(part, region, whole);
                merged.assertClose(whole, 0, "insert " + region);
            }
        }
    }

    @EachVariant
    void gathersAndAddsRows(Variant variant) {
        var backend = backend(variant);
        Random random = Variant.random(32);
        try (var scope = backend.openScope()) {
            for (Shape row : List.of(Shape.of(), Shape.of(3), Shape.of(2, 5), Shape.of(0), Shape.of(1500))) {
                Numbers source = Numbers.random(random, variant, row.prepend(6));
                long[] picked = {5, 0, 0, 3, 5, 5, 1};
                Tensor indices = integers(scope, picked);
                Tensor gathered = dirty(scope, variant, row.prepend(picked.length));
                Tensor table = source.on(scope, variant);
                backend.indexing().gatherRows(table, indices, gathered);
                int length = (int) row.elements();
                Numbers expected = Numbers.filled(gathered.shape(), 0);
                Numbers sums = new Numbers(source.shape(), source.values().clone());
                for (int i = 0; i < picked.length; i++) {
                    for (int j = 0; j < length; j++) {
                        double value = source.values()[(int) picked[i] * length + j];
                        expected.values()[i * length + j] = value;
                        sums.values()[(int) picked[i] * length + j] += value;
                    }
                }
                expected.assertClose(gathered, 0, "gatherRows");
                backend.indexing().addRows(gathered, indices, table);
                sums.assertClose(table, variant.tolerance(), "addRows");
            }
        }
    }

    @EachVariant
    void picksAndAddsAlongAnAxis(Variant variant) {
        var backend = backend(variant);
        Random random = Variant.random(33);
        try (var scope = backend.openScope()) {
            for (Shape shape : List.of(
                    Shape.of(4),
                    Shape.of(3, 5),
                    Shape.of(3, 4, 5),
                    Shape.of(2, 3, 4, 2),
                    Shape.of(700, 4, 3),
                    Shape.of(0, 3))) {
                for (int axis = 0; axis < shape.rank(); axis++) {
                    if (shape.size(axis) == 0) {
                        continue;
                    }
                    Numbers x = Numbers.random(random, variant, shape);
                    Shape reduced = shape.slice(0, axis)
                            .append(shape.slice(axis + 1, shape.rank()).toArray());
                    Numbers expected = Numbers.filled(reduced, 0);
                    Numbers added = new Numbers(shape, x.values().clone());
                    long[] chosen = new long[expected.values().length];
                    for (int i = 0; i < chosen.length; i++) {
                        chosen[i] = random.nextInt((int) shape.size(axis));
                        int[] index = expected.index(i);
                        int[] full = new int[shape.rank()];
                        for (int j = 0; j < full.length; j++) {
                            full[j] = j == axis ? (int) chosen[i] : index[j < axis ? j : j - 1];
                        }
                        expected.values()[i] = x.at(full);
                        added.values()[x.position(full)] -= 1;
                    }
                    Tensor indices = scope.allocate(reduced, DType.INT64);
                    indices.write(0, chosen, 0, chosen.length);
                    Tensor source = x.on(scope, variant);
                    Tensor destination = dirty(scope, variant, reduced);
                    backend.indexing().pick(source, axis, indices, destination);
                    expected.assertClose(destination, 0, "pick along " + axis);
                    backend.indexing().addAt(indices, axis, -1, source);
                    added.assertClose(source, variant.tolerance(), "addAt along " + axis);
                }
            }
        }
    }

    @Test
    void movesIntegers() {
        try (Backend backend = Variant.open("onednn");
                TensorScope scope = backend.openScope()) {
            long large = Long.MAX_VALUE - 5;
            Tensor table = scope.allocate(Shape.of(2, 3), DType.INT64);
            table.write(0, LongStream.range(large - 6, large).toArray(), 0, 6);
            Tensor transposed = scope.allocate(Shape.of(3, 2), DType.INT64);
            backend.indexing().permute(table, new int[] {1, 0}, transposed);
            assertThat(transposed.toLongArray())
                    .containsExactly(large - 6, large - 3, large - 5, large - 2, large - 4, large - 1);
            Tensor rows = scope.allocate(Shape.of(1, 3), DType.INT64);
            backend.indexing().gatherRows(table, integers(scope, 1), rows);
            assertThat(rows.toLongArray()).containsExactly(large - 3, large - 2, large - 1);
            Tensor picked = scope.allocate(Shape.of(2), DType.INT64);
            backend.indexing().pick(table, 1, integers(scope, 2, 0), picked);
            assertThat(picked.toLongArray()).containsExactly(large - 4, large - 3);
        }
    }

    private static Tensor integers(TensorScope scope, long... values) {
        Tensor tensor = scope.allocate(Shape.of(values.length), DType.INT64);
        tensor.write(0, values, 0, values.length);
        return tensor;
    }
}
