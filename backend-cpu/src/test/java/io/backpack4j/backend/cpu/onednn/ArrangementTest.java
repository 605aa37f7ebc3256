// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.offset;

import io.backpack4j.backend.cpu.Numbers;
import io.backpack4j.backend.cpu.Variant;
import io.backpack4j.backend.cpu.memory.Arrangement;
import io.backpack4j.backend.cpu.memory.Block;
import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.spi.backend.Activation;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Channels that lie last are seen by nobody but kernels that want them so. */
class ArrangementTest {

    private static final Variant SINGLE = new Variant("onednn", DType.FLOAT32);
    private static final Shape SHAPE = Shape.of(4, 6, 5, 7);
    private static final Activation RELU = Activation.of(Activation.Kind.RELU);

    private final Backend backend = SINGLE.open();
    private final TensorScope scope = backend.openScope();

    @BeforeEach
    void hasTheseKernels() {
        assertThat(isChannelsLast(channelsLast(Numbers.random(Variant.random(1), SINGLE, SHAPE))))
                .isTrue();
    }

    @AfterEach
    void close() {
        scope.close();
        backend.close();
    }

    private static Window window(int axes, long kernel, long stride, long padding) {
        return new Window(
                Collections.nCopies(axes, kernel),
                Collections.nCopies(axes, stride),
                Collections.nCopies(axes, padding),
                Collections.nCopies(axes, 1L));
    }

    /** These numbers, whose channels lie last if there is more than one, and more than one position. */
    private Tensor channelsLast(Numbers numbers) {
        Tensor copy = scope.allocate(numbers.shape(), DType.FLOAT32);
        Tensor indices = scope.allocate(numbers.shape(), DType.INT64);
        int axes = numbers.shape().rank() - 2;
        backend.pooling().maximum(window(axes, 1, 1, 0), numbers.on(scope, SINGLE), copy, indices);
        return copy;
    }

    private static Block block(Tensor tensor) {
        return ((CpuTensor) tensor).block;
    }

    private static boolean isChannelsLast(Tensor tensor) {
        return block(tensor).arrangement instanceof Arrangement.ChannelsLast;
    }

    @Test
    void readersSeeRowMajorElements() {
        Numbers numbers = Numbers.random(Variant.random(2), SINGLE, SHAPE);
        numbers.assertClose(channelsLast(numbers), 0, "all");

        double[] some = new double[9];
        channelsLast(numbers).read(333, some, 2, 5);
        assertThat(Arrays.copyOfRange(some, 2, 7)).containsExactly(Arrays.copyOfRange(numbers.values(), 333, 338));
        float[] floats = new float[4];
        channelsLast(numbers).read(17, floats, 0, 4);
        assertThat(floats[3]).isEqualTo((float) numbers.values()[20]);

        int sample = (int) SHAPE.elements() / 4;
        Tensor rows = scope.rows(channelsLast(numbers), 1, 3);
        assertThat(rows.toDoubleArray()).containsExactly(Arrays.copyOfRange(numbers.values(), sample, 3 * sample));

        Tensor flat = scope.view(channelsLast(numbers), Shape.of(4, sample));
        assertThat(flat.toDoubleArray()).containsExactly(numbers.values());
        Tensor planes = scope.rows(scope.view(channelsLast(numbers), Shape.of(24, 5, 7)), 5, 6);
        assertThat(planes.toDoubleArray()).containsExactly(Arrays.copyOfRange(numbers.values(), 5 * 35, 6 * 35));
    }

    @Test
    void writersWriteRowMajorElements() {
        Numbers numbers = Numbers.random(Variant.random(3), SINGLE, SHAPE);
        Tensor tensor = channelsLast(numbers);
        tensor.write(100, new double[] {7, 8}, 0, 2);
        numbers.values()[100] = 7;
        numbers.values()[101] = 8;
        numbers.assertClose(tensor, 0, "written");
    }

    @Test
    void elementwiseOperationsKeepTheOrder() {
        Elementwise ops = backend.elementwise();
        Tensor a = channelsLast(Numbers.random(Variant.random(4), SINGLE, SHAPE));
        Tensor b = channelsLast(Numbers.random(Variant.random(5), SINGLE, SHAPE));
        Tensor result = scope.allocate(SHAPE, DType.FLOAT32);
        ops.activation(RELU, 0, a, result);
        ops.activationPullback(RELU, result, b, result);
        ops.combine(BinaryOperation.ADD, a, b, a);
        ops.addScaled(0.5, a, result);
        ops.affine(b, 2, 1, b);
        ops.copy(b, a);
        for (Tensor tensor : List.of(a, b, result)) {
            assertThat(isChannelsLast(tensor)).isTrue();
        }
    }

    /** One after the other is both at once, in whatever order the operands lie. */
    @Test
    void twoOperationsAtOnce() {
        Random random = Variant.random(6);
        Shape shape = Shape.of(16, 24, 17, 9);
        Numbers x = Numbers.random(random, SINGLE, shape);
        for (Shape stretched : List.of(Shape.of(24, 1, 1), Shape.of(1, 24, 1, 1), Shape.of(9), Shape.of(1))) {
            Tensor b = Numbers.random(random, SINGLE, stretched).on(scope, SINGLE);
            Tensor c = Numbers.random(random, SINGLE, stretched).on(scope, SINGLE);
            for (boolean last : new boolean[] {true, false}) {
                Elementwise ops = backend.elementwise();
                Tensor expected = scope.allocate(shape, DType.FLOAT32);
                ops.combine(BinaryOperation.SUBTRACT, x.on(scope, SINGLE), b, expected);
                ops.combine(BinaryOperation.MULTIPLY, expected, c, expected);
                Tensor a = last ? channelsLast(x) : x.on(scope, SINGLE);
                Tensor result = scope.allocate(shape, DType.FLOAT32);
                ops.combine(BinaryOperation.SUBTRACT, a, b, BinaryOperation.MULTIPLY, c, result);
                ops.combine(BinaryOperation.SUBTRACT, a, b, BinaryOperation.MULTIPLY, c, a);
                assertThat(result.toDoubleArray()).isEqualTo(expected.toDoubleArray());
                assertThat(a.toDoubleArray()).isEqualTo(expected.toDoubleArray());
            }
        }
    }

    /** Rows of whole planes are multiplied as they lie if both lie alike; all others are brought into order. */
    @Test
    void innerProductsOfRowsDoNotDependOnTheOrder() {
        Random random = Variant.random(7);
        Numbers a = Numbers.random(random, SINGLE, SHAPE);
        Numbers b = Numbers.random(random, SINGLE, SHAPE);
        long all = SHAPE.elements();
        for (long rows : new long[] {1, 2, 4, 8, 24, 120}) {
            for (boolean last : new boolean[] {true, false}) {
                Tensor left = channelsLast(a);
                Tensor right = last ? channelsLast(b) : b.on(scope, SINGLE);
                Tensor dots = scope.allocate(Shape.of(rows), DType.FLOAT32);
                Shape shape = Shape.of(rows, all / rows);
                backend.contractions().rowDots(scope.view(left, shape), scope.view(right, shape), dots);
                assertThat(isChannelsLast(left)).isEqualTo(last && rows <= 4);
                double[] found = dots.toDoubleArray();
                for (int row = 0; row < rows; row++) {
                    double expected = 0;
                    for (int i = (int) (row * all / rows); i < (row + 1) * all / rows; i++) {
                        expected += a.values()[i] * b.values()[i];
                    }
                    assertThat(found[row]).as("row %d of %d", row, rows).isCloseTo(expected, offset(1e-4));
                }
            }
        }
    }

    /** Planes of so many positions are added up in pieces. */
    @Test
    void sumsOverPositionsOfLargePlanesReadThemAsTheyLie() {
        Shape shape = Shape.of(2, 5, 90, 70);
        Numbers numbers = Numbers.random(Variant.random(9), SINGLE, shape);
        double[] expected = new double[10];
        for (int i = 0; i < numbers.values().length; i++) {
            expected[i / 6300] += numbers.values()[i];
        }
        Tensor planes = channelsLast(numbers);
        Tensor sums = scope.allocate(Shape.of(2, 5), DType.FLOAT32);
        backend.reductions().reduce(Reduction.SUM, planes, 2, 4, sums);
        assertThat(isChannelsLast(planes)).isTrue();
        assertThat(sums.toDoubleArray()).containsExactly(expected, offset(1e-3));
    }

    @Test
    void sumsOverSamplesKeepTheOrder() {
        Numbers numbers = Numbers.random(Variant.random(8), SINGLE, SHAPE);
        int plane = (int) SHAPE.elements() / 4;
        double[] expected = new double[plane];
        for (int i = 0; i < numbers.values().length; i++) {
            expected[i % plane] += numbers.values()[i];
        }
        Tensor sums = scope.allocate(SHAPE.dropFirst(1), DType.FLOAT32);
        Tensor ofTwo = scope.allocate(Shape.of(2, plane), DType.FLOAT32);
        backend.reductions().reduce(Reduction.SUM, channelsLast(numbers), 0, 1, sums);
        assertThat(isChannelsLast(sums)).isTrue();
        assertThat(sums.toDoubleArray()).containsExactly(expected, offset(1e-5));
        // A part of other memory cannot lie otherwise than that does.
        Tensor part = scope.rows(ofTwo, 1, 2);
        backend.reductions().reduce(Reduction.SUM, channelsLast(numbers), 0, 1, part);
        assertThat(part.toDoubleArray()).containsExactly(expected, offset(1e-5));
        Tensor halves = scope.allocate(Shape.of(1, 3, 35), DType.FLOAT32);
        Tensor byHalves = scope.view(channelsLast(numbers), Shape.of(8, 3, 35));
        backend.reductions().reduce(Reduction.SUM, byHalves, 0, 1, halves);
        for (int i = 0; i < 105; i++) {
            assertThat(halves.toDoubleArray()[i]).isCloseTo(expected[i] + expected[i + 105], offset(1e-5));
        }
    }

    /** Two backends do the same with the same numbers; in one of them they lie about in all orders. */
    @Test
    void mixedOrdersGiveTheSameNumbers() {
        Random random = Variant.random(6);
        int arranged = 0;
        for (int round = 0; round < 300; round++) {
            try (Backend plain = Variant.open("nd4j");
                    TensorScope other = plain.openScope()) {
                List<Tensor> ours = new ArrayList<>();
                List<Tensor> theirs = new ArrayList<>();
                for (int i = 0; i < 3; i++) {
                    Numbers numbers = Numbers.random(random, SINGLE, SHAPE);
                    // the same memory, seen as other planes
                    Shape planes = random.nextInt(4) == 0 ? Shape.of(8, 3, 5, 7) : SHAPE;
                    ours.add(
                            random.nextBoolean()
                                    ? numbers.on(scope, SINGLE)
                                    : scope.view(channelsLast(new Numbers(planes, numbers.values())), SHAPE));
                    theirs.add(numbers.on(other, SINGLE));
                }
                int[] who = random.ints(3, 0, 3).toArray();
                long[] parts = parts(random);
                int kind = random.nextInt(6);
                step(backend, scope, kind, who, parts, ours);
                step(plain, other, kind, who, parts, theirs);
                arranged += isChannelsLast(ours.get(who[2])) ? 1 : 0;
                for (int i = 0; i < 3; i++) {
                    Numbers.of(theirs.get(i))
                            .assertClose(
                                    ours.get(i),
                                    1e-6,
                                    "round " + round + ", kind " + kind + " of " + Arrays.toString(who) + ", tensor "
                                            + i);
                }
            }
        }
        assertThat(arranged).isPositive();
    }

    private static long[] parts(Random random) {
        return random.nextBoolean() ? new long[] {0, 4, 0} : new long[] {1, 2, random.nextInt(3)};
    }

    /** One operation on whole tensors, or on two of their rows. */
    private static void step(
            Backend backend, TensorScope scope, int kind, int[] who, long[] parts, List<Tensor> tensors) {
        Tensor a = rows(scope, tensors.get(who[0]), parts[0], parts[1]);
        Tensor b = rows(scope, tensors.get(who[1]), parts[0], parts[1]);
        boolean inPlace = who[2] == who[0] || who[2] == who[1];
        Tensor to = rows(scope, tensors.get(who[2]), inPlace ? parts[0] : parts[2], parts[1]);
        Elementwise ops = backend.elementwise();
        switch (kind) {
            case 0 -> ops.combine(BinaryOperation.SUBTRACT, a, b, to);
            case 1 -> ops.addScaled(-0.5, a, to);
            case 2 -> ops.affine(a, 3, -1, to);
            case 3 -> ops.activation(RELU, 0, a, to);
            case 4 -> ops.copy(a, to);
            default -> ops.apply(UnaryOperation.SQUARE, b, to);
        }
    }

    private static Tensor rows(TensorScope scope, Tensor tensor, long from, long count) {
        return count == tensor.shape().size(0) ? tensor : scope.rows(tensor, from, from + count);
    }

    @Test
    void broadcastingOverChannelsAndSamples() {
        Random random = Variant.random(7);
        Numbers numbers = Numbers.random(random, SINGLE, SHAPE);
        for (Shape small : List.of(
                Shape.of(6, 1, 1),
                Shape.of(1, 6, 1, 1),
                Shape.of(6, 5, 7),
                Shape.of(7),
                Shape.of(5, 7),
                Shape.of(4, 1, 1, 1))) {
            Numbers other = Numbers.random(random, SINGLE, small);
            Tensor result = scope.allocate(SHAPE, DType.FLOAT32);
            backend.elementwise()
                    .combine(BinaryOperation.MULTIPLY, channelsLast(numbers), other.on(scope, SINGLE), result);
            Numbers.combine(numbers, other, SHAPE, (x, y) -> x * y).assertClose(result, 1e-6, "times " + small);
        }
    }

    @Test
    void partsOfALargerTensorAreFilledAndTheRestStays() {
        Random random = Variant.random(8);
        Shape large = Shape.of(9, 6, 5, 7);
        int sample = (int) SHAPE.elements() / 4;
        for (boolean from : new boolean[] {false, true}) {
            for (boolean to : new boolean[] {false, true}) {
                Numbers source = Numbers.random(random, SINGLE, SHAPE);
                Numbers target = Numbers.random(random, SINGLE, large);
                Tensor whole = to ? channelsLast(target) : target.on(scope, SINGLE);
                backend.elementwise()
                        .copy(from ? channelsLast(source) : source.on(scope, SINGLE), scope.rows(whole, 3, 7));
                System.arraycopy(source.values(), 0, target.values(), 3 * sample, 4 * sample);
                target.assertClose(whole, 0, "copied from " + from + " to " + to);
            }
        }
        Numbers target = Numbers.random(random, SINGLE, large);
        Tensor whole = channelsLast(target);
        backend.elementwise().fill(scope.rows(whole, 2, 3), 4);
        Arrays.fill(target.values(), 2 * sample, 3 * sample, 4);
        target.assertClose(whole, 0, "filled");
    }

    /** Boxes of planes of one to three axes, with steps. */
    @Test
    void boxesAreCutAndPadded() {
        Random random = Variant.random(9);
        for (int round = 0; round < 150; round++) {
            int axes = 1 + random.nextInt(3);
            Shape whole = shape(random, axes);
            List<Long> starts = new ArrayList<>();
            List<Long> steps = new ArrayList<>();
            List<Long> sizes = new ArrayList<>();
            for (int axis = 0; axis < whole.rank(); axis++) {
                boolean spatial = axis >= 2 || random.nextInt(8) == 0;
                long size = whole.size(axis);
                long start = spatial ? random.nextInt((int) size) : 0;
                long step = spatial ? 1L + random.nextInt(3) : 1;
                long most = (size - start - 1) / step + 1;
                starts.add(start);
                steps.add(step);
                sizes.add(spatial ? 1 + random.nextInt((int) most) : most);
            }
            Region region = new Region(starts, steps, sizes);
            String what = "round %d, %s of %s".formatted(round, region, whole);
            Numbers numbers = Numbers.random(random, SINGLE, whole);
            Numbers box = Numbers.filled(region.shape(), 0);
            for (int i = 0; i < box.values().length; i++) {
                box.values()[i] = numbers.at(within(region, box.index(i)));
            }
            for (boolean last : new boolean[] {false, true}) {
                Tensor cut = dirty(region.shape());
                backend.indexing().extract(last ? channelsLast(numbers) : numbers.on(scope, SINGLE), region, cut);
                box.assertClose(cut, 0, what);

                double value = new double[] {0, -0.0, 2.5, Double.NEGATIVE_INFINITY}[random.nextInt(4)];
                Numbers padded = Numbers.filled(whole, value);
                for (int i = 0; i < box.values().length; i++) {
                    padded.values()[padded.position(within(region, box.index(i)))] = box.values()[i];
                }
                Tensor filled = dirty(whole);
                backend.indexing().pad(last ? channelsLast(box) : box.on(scope, SINGLE), region, value, filled);
                padded.assertClose(filled, 0, what + ", " + value + " around");
            }
        }
    }

    private Tensor dirty(Shape shape) {
        return Numbers.filled(shape, Double.NaN).on(scope, SINGLE);
    }

    private static Shape shape(Random random, int axes) {
        long[] sizes = new long[axes + 2];
        Arrays.setAll(sizes, axis -> 1L + random.nextInt(axis < 2 ? 4 : 7));
        return Shape.of(sizes);
    }

    private static int[] within(Region region, int[] index) {
        int[] place = index.clone();
        Arrays.setAll(place, axis ->
                (int) (region.starts().get(axis) + index[axis] * region.steps().get(axis)));
        return place;
    }

    /** The point of it all: nothing is reordered from one convolution to the next, there and back. */
    @Test
    void nothingIsReorderedBetweenConvolutions() {
        Random random = Variant.random(10);
        Tensor x = Numbers.random(random, SINGLE, Shape.of(4, 3, 12, 12)).on(scope, SINGLE);
        Tensor weight = Numbers.random(random, SINGLE, Shape.of(16, 3, 3, 3)).on(scope, SINGLE);
        Tensor bias = Numbers.random(random, SINGLE, Shape.of(16)).on(scope, SINGLE);
        Tensor second = Numbers.random(random, SINGLE, Shape.of(8, 16, 3, 3)).on(scope, SINGLE);
        Tensor first = scope.allocate(Shape.of(4, 16, 12, 12), DType.FLOAT32);
        Tensor active = scope.allocate(first.shape(), DType.FLOAT32);
        Tensor padded = scope.allocate(Shape.of(4, 16, 13, 13), DType.FLOAT32);
        Tensor pooled = scope.allocate(Shape.of(4, 16, 6, 6), DType.FLOAT32);
        Tensor indices = scope.allocate(pooled.shape(), DType.INT64);
        Tensor last = scope.allocate(Shape.of(4, 8, 4, 4), DType.FLOAT32);
        backend.convolutions().convolve(window(2, 3, 1, 1), x, weight, bias, first);
        backend.elementwise().activation(RELU, 0, first, active);
        Region inside = Region.all(active.shape());
        backend.indexing().pad(active, inside, 0, padded);
        backend.pooling().maximum(window(2, 3, 2, 0), padded, pooled, indices);
        backend.convolutions().convolve(window(2, 3, 1, 0), pooled, second, null, last);

        Tensor cotangents = channelsLast(Numbers.random(random, SINGLE, Shape.of(12, 8, 4, 4)));
        Tensor ofPooled = scope.allocate(Shape.of(12, 16, 6, 6), DType.FLOAT32);
        Tensor ofPadded = scope.allocate(Shape.of(12, 16, 13, 13), DType.FLOAT32);
        Tensor ofActive = scope.allocate(Shape.of(12, 16, 12, 12), DType.FLOAT32);
        backend.convolutions().convolveTransposed(window(2, 3, 1, 0), cotangents, second, null, ofPooled);
        backend.pooling().scatter(indices, ofPooled, ofPadded);
        backend.indexing().extract(ofPadded, Region.all(ofActive.shape()), ofActive);

        for (Tensor tensor : List.of(first, active, padded, pooled, last, ofPooled, ofPadded, ofActive)) {
            assertThat(isChannelsLast(tensor)).as("channels last: %s", tensor).isTrue();
        }
        assertThat(block(indices).arrangement).isInstanceOf(WindowElements.class);
        for (Tensor tensor : List.of(x, weight, bias, second)) {
            assertThat(block(tensor).arrangement).isNull();
        }
    }
}
