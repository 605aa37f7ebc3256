package io.backpack4j.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.Activation;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.PerSampleProduct;
import io.backpack4j.spi.backend.RandomKey;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What holds for every backend. A test of a backend extends this class and says how to open it. Every operation is
 * compared with {@link HeapBackend}, in both types, at random shapes, with axes of size zero, and with destinations that
 * are operands where that is allowed; then come scopes, memory, and handles that are closed or another backend's.
 */
public abstract class BackendContract {

    private static final int ROUNDS = 4;
    private static final Shape EMPTY = Shape.of(0, 3);

    private final Random seeds = Randomness.of(getClass().getName());
    private Backend backend = new HeapBackend();

    /** Opens the backend under test; called before every test, and by some once more. */
    protected abstract Backend open();

    /** How far results may lie from those of exact loops, per unit of the largest element. */
    protected double tolerance(DType dtype) {
        return dtype == DType.FLOAT32 ? 2e-5 : 1e-12;
    }

    @BeforeEach
    final void openBackend() {
        backend.close();
        backend = open();
    }

    @AfterEach
    final void closeBackend() {
        assertThat(backend.memory().openTensors())
                .as("open tensors after a test")
                .isZero();
        backend.close();
        backend = new HeapBackend();
    }

    /** Does the same on both backends, in both types, several times, and compares the results. */
    private void compare(String what, Function<BackendSide, List<Tensor>> body) {
        for (DType dtype : List.of(DType.FLOAT32, DType.FLOAT64)) {
            for (int round = 0; round < ROUNDS; round++) {
                long seed = seeds.nextLong();
                try (HeapBackend reference = new HeapBackend();
                        TensorScope expectedScope = reference.openScope();
                        TensorScope scope = backend.openScope()) {
                    List<Tensor> expected =
                            body.apply(new BackendSide(reference, expectedScope, dtype, new Random(seed)));
                    List<Tensor> actual = body.apply(new BackendSide(backend, scope, dtype, new Random(seed)));
                    for (int i = 0; i < expected.size(); i++) {
                        assertThat(actual.get(i).shape())
                                .as(what)
                                .isEqualTo(expected.get(i).shape());
                        assertThat(actual.get(i).dtype())
                                .as(what)
                                .isEqualTo(expected.get(i).dtype());
                        Numbers.assertClose(
                                "%s, result %d of shape %s, %s"
                                        .formatted(what, i, expected.get(i).shape(), dtype),
                                actual.get(i).toDoubleArray(),
                                expected.get(i).toDoubleArray(),
                                tolerance(dtype));
                    }
                }
            }
        }
    }

    private static Shape shape(Random random, int rank) {
        long[] sizes = new long[rank];
        for (int axis = 0; axis < rank; axis++) {
            sizes[axis] = 1L + random.nextInt(axis == rank - 1 ? 40 : 6);
        }
        return Shape.of(sizes);
    }

    private static List<Shape> shapes(Random random) {
        return List.of(shape(random, 1), shape(random, 2), shape(random, 3), Shape.of(), EMPTY);
    }

    @Test
    final void fillsAndCopies() {
        compare("fill and copy", side -> {
            List<Tensor> results = new ArrayList<>();
            for (Shape shape : shapes(side.random())) {
                Tensor filled = side.dirty(shape);
                side.backend().elementwise().fill(filled, 0.5);
                Tensor integers = side.integers(shape, 9);
                Tensor converted = side.dirty(shape);
                side.backend().elementwise().copy(integers, converted);
                DType other = side.dtype() == DType.FLOAT32 ? DType.FLOAT64 : DType.FLOAT32;
                Tensor there = side.scope().allocate(shape, other);
                side.backend().elementwise().copy(side.tensor(shape), there);
                Tensor back = side.scope().allocate(shape, DType.INT64);
                side.backend().elementwise().copy(converted, back);
                results.addAll(List.of(filled, converted, there, back));
            }
            return results;
        });
    }

    @Test
    final void appliesFunctionsOfOneNumber() {
        for (UnaryOperation operation : UnaryOperation.values()) {
            boolean positive = operation == UnaryOperation.LOG
                    || operation == UnaryOperation.LOG1P
                    || operation == UnaryOperation.SQRT
                    || operation == UnaryOperation.RECIPROCAL;
            compare(operation.toString(), side -> {
                List<Tensor> results = new ArrayList<>();
                for (Shape shape : shapes(side.random())) {
                    Tensor x = positive ? side.positive(shape) : side.tensor(shape);
                    Tensor result = side.dirty(shape);
                    side.backend().elementwise().apply(operation, x, result);
                    side.backend().elementwise().apply(operation, x, x);
                    results.addAll(List.of(result, x));
                }
                return results;
            });
        }
    }

    @Test
    final void combinesStretchedShapes() {
        for (BinaryOperation operation : BinaryOperation.values()) {
            compare(operation.toString(), side -> {
                var ops = side.backend().elementwise();
                List<Tensor> results = new ArrayList<>();
                for (Shape shape : shapes(side.random())) {
                    Tensor a = side.tensor(shape);
                    Tensor b = side.positive(shape);
                    Tensor result = side.dirty(shape);
                    ops.combine(operation, a, b, result);
                    ops.combine(operation, a, b, a);
                    ops.combine(operation, a, b, b);
                    results.addAll(List.of(result, a, b));
                }
                long[][][] stretched = {
                    {{2, 3, 4}, {4}, {2, 3, 4}},
                    {{2, 3, 4}, {}, {2, 3, 4}},
                    {{2, 1, 4}, {3, 1}, {2, 3, 4}},
                    {{5, 2, 3}, {2, 3}, {5, 2, 3}},
                    {{2, 3}, {2, 1}, {2, 3}},
                    {{1, 3}, {0, 1}, {0, 3}},
                };
                for (long[][] shapes : stretched) {
                    Tensor result = side.dirty(shapes[2]);
                    ops.combine(operation, side.tensor(shapes[0]), side.positive(Shape.of(shapes[1])), result);
                    results.add(result);
                }
                return results;
            });
        }
    }

    @Test
    final void scalesAndAdds() {
        compare("affine and addScaled", side -> {
            var ops = side.backend().elementwise();
            List<Tensor> results = new ArrayList<>();
            for (Shape shape : shapes(side.random())) {
                Tensor x = side.tensor(shape);
                Tensor result = side.dirty(shape);
                ops.affine(x, -1.5, 0.25, result);
                ops.affine(x, 0.5, 1, x);
                Tensor sum = side.tensor(shape);
                ops.addScaled(-0.75, x, sum);
                results.addAll(List.of(result, x, sum));
            }
            return results;
        });
    }

    @Test
    final void activates() {
        for (Activation.Kind kind : Activation.Kind.values()) {
            for (double parameter : new double[] {0.3, -0.2}) {
                Activation activation = new Activation(kind, parameter);
                compare(activation.toString(), side -> {
                    var ops = side.backend().elementwise();
                    List<Tensor> results = new ArrayList<>();
                    for (Shape shape : List.of(shape(side.random(), 2), shape(side.random(), 3), EMPTY)) {
                        Tensor x = side.tensor(shape);
                        for (int order = 0; order < 3; order++) {
                            Tensor result = side.dirty(shape);
                            ops.activation(activation, order, x, result);
                            results.add(result);
                        }
                        Tensor saved = activation.derivativeFromOutput() ? results.get(results.size() - 3) : x;
                        Tensor cotangents = side.tensor(shape.prepend(3));
                        Tensor result = side.dirty(shape.prepend(3));
                        ops.activationPullback(activation, saved, cotangents, result);
                        ops.activationPullback(activation, saved, cotangents, cotangents);
                        ops.activation(activation, 0, x, x);
                        results.addAll(List.of(result, cotangents, x));
                    }
                    return results;
                });
            }
        }
    }

    @Test
    final void reduces() {
        for (Reduction reduction : Reduction.values()) {
            compare(reduction.toString(), side -> {
                List<Tensor> results = new ArrayList<>();
                for (int rank = 1; rank <= 3; rank++) {
                    Shape shape = shape(side.random(), rank);
                    for (int from = 0; from < rank; from++) {
                        for (int to = from + 1; to <= rank; to++) {
                            Shape left = shape.slice(0, from)
                                    .append(shape.dropFirst(to).toArray());
                            Tensor result = side.dirty(left);
                            side.backend().reductions().reduce(reduction, side.tensor(shape), from, to, result);
                            results.add(result);
                        }
                    }
                }
                if (reduction == Reduction.SUM) {
                    Tensor ofNothing = side.dirty(3);
                    side.backend().reductions().reduce(reduction, side.tensor(EMPTY), 0, 1, ofNothing);
                    results.add(ofNothing);
                }
                Tensor nothing = side.dirty(0);
                side.backend().reductions().reduce(reduction, side.tensor(EMPTY), 1, 2, nothing);
                results.add(nothing);
                return results;
            });
        }
    }

    @Test
    final void normalisesAndCounts() {
        compare("softmax and histograms", side -> {
            var reductions = side.backend().reductions();
            List<Tensor> results = new ArrayList<>();
            Shape shape = shape(side.random(), 3);
            for (int axis = 0; axis < 3; axis++) {
                Tensor x = side.tensor(shape);
                side.backend().elementwise().affine(x, 30, 0, x);
                Tensor logarithms = side.dirty(shape);
                reductions.logSoftmax(x, axis, logarithms);
                Tensor probabilities = side.dirty(shape);
                reductions.softmax(x, axis, probabilities);
                results.addAll(List.of(logarithms, probabilities));
            }
            double[] middles = side.random()
                    .ints(50, -3, 12)
                    .mapToDouble(bin -> -1 + (bin + 0.5) * 0.25)
                    .toArray();
            Tensor histogram = side.upload(Shape.of(8), 1, 2, 3, 4, 5, 6, 7, 8);
            reductions.addHistogram(side.upload(Shape.of(50), middles), -1, 1, histogram);
            results.add(histogram);
            return results;
        });
    }

    @Test
    final void findsWhatIsNotFinite() {
        for (DType dtype : List.of(DType.FLOAT32, DType.FLOAT64)) {
            try (TensorScope scope = backend.openScope()) {
                for (double odd :
                        new double[] {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, 3e38, 0}) {
                    double[] values = Randomness.normal(seeds, 33);
                    values[seeds.nextInt(33)] = odd;
                    Tensor tensor = backend.upload(scope, Shape.of(3, 11), dtype, values);
                    assertThat(backend.reductions().allFinite(tensor))
                            .as("all finite with %s", odd)
                            .isEqualTo(Double.isFinite(odd));
                }
                assertThat(backend.reductions().allFinite(scope.allocate(EMPTY, dtype)))
                        .as("all of nothing is finite")
                        .isTrue();
            }
        }
    }

    @Test
    final void multipliesMatrices() {
        long[][] sizes = {{3, 4, 5}, {1, 7, 1}, {16, 33, 8}, {0, 2, 3}, {2, 0, 3}, {2, 3, 0}};
        for (int flags = 0; flags < 4; flags++) {
            boolean left = (flags & 1) != 0;
            boolean right = (flags & 2) != 0;
            compare("products, transposed " + left + " and " + right, side -> {
                List<Tensor> results = new ArrayList<>();
                for (long[] mkn : sizes) {
                    Shape a = left ? Shape.of(mkn[1], mkn[0]) : Shape.of(mkn[0], mkn[1]);
                    Shape b = right ? Shape.of(mkn[2], mkn[1]) : Shape.of(mkn[1], mkn[2]);
                    Shape c = Shape.of(mkn[0], mkn[2]);
                    for (long[] batches : new long[][] {{}, {3, 3}, {1, 3}, {3, 1}, {0, 0}}) {
                        boolean alone = batches.length == 0;
                        Shape batch = alone ? c : c.prepend(batches[0] == 1 ? batches[1] : batches[0]);
                        Tensor x = side.tensor(alone ? a : a.prepend(batches[0]));
                        Tensor y = side.tensor(alone ? b : b.prepend(batches[1]));
                        Tensor fresh = side.dirty(batch);
                        side.backend().products().multiply(x, left, y, right, 0.5, 0, fresh);
                        Tensor added = side.tensor(batch);
                        side.backend().products().multiply(x, left, y, right, -1, 0.75, added);
                        results.addAll(List.of(fresh, added));
                    }
                }
                return results;
            });
        }
        compare("linear", side -> {
            List<Tensor> results = new ArrayList<>();
            for (long[] mio : new long[][] {{4, 3, 5}, {1, 1, 1}, {0, 3, 2}, {40, 17, 9}}) {
                Tensor result = side.dirty(mio[0], mio[2]);
                side.backend()
                        .products()
                        .linear(side.tensor(mio[0], mio[1]), side.tensor(mio[2], mio[1]), side.tensor(mio[2]), result);
                results.add(result);
            }
            return results;
        });
    }

    @Test
    final void movesElements() {
        compare("permute, extract and insert", side -> {
            var indexing = side.backend().indexing();
            List<Tensor> results = new ArrayList<>();
            for (int[] axes : new int[][] {{0, 1, 2}, {2, 0, 1}, {1, 0, 2}, {2, 1, 0}}) {
                for (Shape shape : List.of(shape(side.random(), 3), Shape.of(2, 0, 3))) {
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

    @Test
    final void gathersAndScatters() {
        compare("gather, add rows, pick, add at", side -> {
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

    @Test
    final void drawsByCounter() {
        RandomKey key = new RandomKey(3, 5, 1);
        compare("draws", side -> {
            var draws = side.backend().random();
            long[] ids = {7, 0, 1L << 40};
            Tensor uniform = side.dirty(3, 4, 5);
            draws.uniform(key, ids, uniform);
            Tensor normal = side.dirty(3, 21);
            draws.normal(key, ids, normal);
            Tensor probabilities = side.dirty(3, 4, 5);
            side.backend().reductions().softmax(side.tensor(3, 4, 5), 1, probabilities);
            Tensor alone = side.dirty(1, 4, 5);
            draws.uniform(key, new long[] {0}, alone);
            Tensor nothing = side.dirty(0, 4);
            draws.normal(key, new long[0], nothing);
            return List.of(uniform, normal, alone, nothing);
        });
        compare("classes", side -> {
            Tensor certain = side.upload(Shape.of(2, 3, 2), 0, 1, 1, 0, 0, 0, 0.25, 0, 0.5, 0, 0.25, 1);
            Tensor classes = side.scope().allocate(Shape.of(2, 2), DType.INT64);
            side.backend().random().categorical(key, new long[] {4, 9}, certain, classes);
            return List.of(classes);
        });
    }

    @Test
    final void contractsProducts() {
        // B, C, G, M, S, K
        int[][] sizes = {
            {1, 1, 1, 1, 1, 1},
            {6, 2, 1, 3, 5, 2},
            {6, 3, 2, 3, 4, 2},
            {4, 4, 1, 3, 1, 7},
            {12, 6, 1, 10, 1, 200},
            {6, 3, 1, 20, 9, 30},
            {4, 4, 1, 2, 0, 3},
            {4, 2, 1, 0, 2, 3},
            {0, 1, 1, 2, 2, 3},
        };
        for (int[] size : sizes) {
            for (int flags = 0; flags < 4; flags++) {
                boolean left = (flags & 1) != 0;
                boolean right = (flags & 2) != 0;
                compare("contract " + List.of(size[0], size[1], size[2], size[3], size[4], size[5]), side -> {
                    Tensor a = left
                            ? side.tensor(size[0], size[2], size[4], size[3])
                            : side.tensor(size[0], size[2], size[3], size[4]);
                    Tensor b = right
                            ? side.tensor(size[1], size[2], size[5], size[4])
                            : side.tensor(size[1], size[2], size[4], size[5]);
                    PerSampleProduct product = new PerSampleProduct(a, left, b, right);
                    List<TileConsumer> together = consumers(side, size[0], size[1], product.tile());
                    side.backend().contractions().contract(product, together);
                    List<TileConsumer> alone = consumers(side, size[0], size[1], product.tile());
                    for (TileConsumer consumer : alone) {
                        side.backend().contractions().contract(product, List.of(consumer));
                    }
                    side.backend().contractions().contract(product, List.of());
                    together.addAll(alone);
                    return together.stream().map(TileConsumer::destination).toList();
                });
            }
        }
    }

    @Test
    final void contractsTilesThatExist() {
        for (int[] size : new int[][] {{1, 1}, {6, 5}, {6, 300}, {0, 4}, {4, 0}}) {
            compare("consume " + size[0] + " tiles of " + size[1], side -> {
                Shape tile = Shape.of(size[1]);
                Tensor tiles = side.tensor(tile.prepend(size[0]));
                List<TileConsumer> consumers = consumers(side, size[0], Math.max(1, size[0] / 2), tile);
                int cut = size[0] / 3;
                var contractions = side.backend().contractions();
                contractions.consume(side.scope().rows(tiles, 0, cut), 0, size[0], consumers);
                contractions.consume(side.scope().rows(tiles, cut, size[0]), cut, size[0], consumers);
                Tensor dots = side.dirty(size[0]);
                contractions.rowDots(tiles, side.tensor(tile.prepend(size[0])), dots);
                List<Tensor> results = new ArrayList<>(
                        consumers.stream().map(TileConsumer::destination).toList());
                results.add(dots);
                return results;
            });
        }
    }

    /** One of each kind; destinations that sum hold numbers, the others none. */
    private static List<TileConsumer> consumers(BackendSide side, long batch, long samples, Shape tile) {
        List<TileConsumer> consumers = new ArrayList<>();
        for (long runs : new long[] {1, Math.max(1, batch / samples), Math.max(1, batch)}) {
            consumers.add(new TileConsumer.Sum(side.tensor(tile.prepend(runs))));
        }
        consumers.add(new TileConsumer.SumOfSquares(side.tensor(tile), null, null));
        consumers.add(new TileConsumer.SumOfSquares(side.tensor(tile), side.tensor(tile), null));
        consumers.add(new TileConsumer.SumOfSquares(side.tensor(tile), null, side.tensor(batch)));
        consumers.add(new TileConsumer.SumOfSquares(side.tensor(tile), side.tensor(tile), side.tensor(batch)));
        consumers.add(new TileConsumer.SumOfSquaresPerSample(side.tensor(tile.prepend(samples))));
        consumers.add(new TileConsumer.SumOfSquaresPerSample(side.tensor(tile.prepend(samples)), side.tensor(batch)));
        consumers.add(new TileConsumer.SquaredNorms(side.dirty(batch)));
        consumers.add(new TileConsumer.Copy(side.dirty(tile.prepend(batch))));
        consumers.add(new TileConsumer.Dot(side.tensor(tile.prepend(2)), side.dirty(2, batch)));
        consumers.add(new TileConsumer.WeightedSum(side.tensor(2, batch), side.tensor(tile.prepend(2))));
        return consumers;
    }

    @Test
    final void handlesShareMemory() {
        for (DType dtype : DType.values()) {
            try (TensorScope outer = backend.openScope()) {
                Tensor kept;
                try (TensorScope scope = backend.openScope()) {
                    Tensor whole = backend.upload(scope, Shape.of(3, 4), dtype, new double[12]);
                    Tensor rows = scope.rows(whole, 1, 3);
                    Tensor view = scope.view(rows, Shape.of(2, 2, 2));
                    view.write(5, new double[] {8, 9}, 0, 2);
                    assertThat(whole.toDoubleArray()).containsExactly(0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 9, 0);
                    whole.close();
                    double[] some = {-1, -1, -1, -1};
                    rows.read(4, some, 1, 3);
                    assertThat(some).containsExactly(-1, 0, 8, 9);
                    assertThat(scope.rows(rows, 1, 1).toDoubleArray()).isEmpty();
                    kept = outer.adopt(rows);
                    assertThat(kept).isSameAs(rows);
                }
                assertThat(kept.isClosed()).isFalse();
                assertThat(kept.toDoubleArray()).containsExactly(0, 0, 0, 0, 0, 8, 9, 0);
            }
        }
    }

    @Test
    final void whatIsClosedIsNotUsed() {
        TensorScope scope = backend.openScope();
        Tensor tensor = backend.upload(scope, Shape.of(2), DType.FLOAT64, new double[] {1, 2});
        Tensor other = backend.upload(scope, Shape.of(2), DType.FLOAT64, new double[] {1, 2});
        tensor.close();
        tensor.close();
        assertThat(tensor.isClosed()).isTrue();
        refused(tensor::toDoubleArray);
        refused(() -> tensor.write(0, new double[1], 0, 1));
        refused(() -> backend.elementwise().fill(tensor, 0));
        refused(() -> backend.elementwise().copy(tensor, other));
        refused(() -> backend.elementwise().copy(other, tensor));
        refused(() -> scope.view(tensor, Shape.of(1, 2)));
        refused(() -> scope.rows(tensor, 0, 1));
        scope.close();
        scope.close();
        assertThat(other.isClosed()).isTrue();
        refused(other::toDoubleArray);
        refused(() -> scope.allocate(Shape.of(1), DType.FLOAT64));
    }

    @Test
    final void anotherBackendsTensorsAreRefused() {
        try (Backend another = open();
                HeapBackend heap = new HeapBackend();
                TensorScope own = backend.openScope()) {
            Tensor tensor = backend.upload(own, Shape.of(2), DType.FLOAT64, new double[] {1, 2});
            for (Backend owner : List.of(another, heap)) {
                try (TensorScope foreignScope = owner.openScope()) {
                    Tensor foreign = owner.upload(foreignScope, Shape.of(2), DType.FLOAT64, new double[] {1, 2});
                    refused(() -> backend.elementwise().fill(foreign, 0));
                    refused(() -> backend.elementwise().addScaled(1, foreign, tensor));
                    refused(() -> own.view(foreign, Shape.of(1, 2)));
                }
            }
        }
    }

    @Test
    final void rangesAndShapesAreChecked() {
        try (TensorScope scope = backend.openScope()) {
            Tensor tensor = backend.upload(scope, Shape.of(2, 3), DType.FLOAT64, new double[6]);
            refused(() -> tensor.read(5, new double[2], 0, 2));
            refused(() -> tensor.write(-1, new double[2], 0, 2));
            refused(() -> scope.view(tensor, Shape.of(5)));
            refused(() -> scope.rows(tensor, 1, 3));
        }
    }

    private static void refused(Runnable use) {
        assertThatThrownBy(use::run).isInstanceOf(BackpackException.class);
    }

    @Test
    final void equalScopesTakeNoNewMemory() {
        long before = 0;
        for (int round = 0; round < 6; round++) {
            try (TensorScope scope = backend.openScope()) {
                for (int size : new int[] {1, 100, 5000}) {
                    Tensor x = backend.upload(scope, Shape.of(size), DType.FLOAT32, new double[size]);
                    backend.elementwise().affine(x, 1, 1, scope.allocate(Shape.of(size), DType.FLOAT32));
                }
                assertThat(backend.memory().openTensors()).isEqualTo(6);
                assertThat(backend.memory().usedBytes()).isGreaterThanOrEqualTo(2 * 4 * 5101);
                assertThat(backend.memory().peakBytes())
                        .isGreaterThanOrEqualTo(backend.memory().usedBytes());
            }
            if (round == 2) {
                before = backend.memory().systemAllocations();
            }
        }
        assertThat(backend.memory().systemAllocations())
                .as("system allocations")
                .isEqualTo(before);
        backend.resetPeak();
        assertThat(backend.memory().peakBytes()).isEqualTo(backend.memory().usedBytes());
    }

    @Test
    final void twoBackendsDoNotDisturbEachOther() {
        try (TensorScope scope = backend.openScope()) {
            Tensor tensor = backend.upload(scope, Shape.of(2), DType.FLOAT32, new double[] {1, 2});
            try (Backend another = open();
                    TensorScope there = another.openScope()) {
                there.allocate(Shape.of(1000), DType.FLOAT64);
                assertThat(another.memory().openTensors()).isEqualTo(1);
                assertThat(backend.memory().openTensors()).isEqualTo(1);
            }
            assertThat(tensor.toDoubleArray()).containsExactly(1, 2);
        }
    }
}
