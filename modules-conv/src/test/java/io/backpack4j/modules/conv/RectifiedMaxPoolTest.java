// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

import static io.backpack4j.modules.conv.Types.create;
import static io.backpack4j.modules.conv.Types.output;
import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.Activation;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.Randomness;
import io.backpack4j.testkit.TestContext;
import io.backpack4j.testkit.heap.HeapBackend;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

/** One module in place of three does what they do one after the other: the very same numbers. */
class RectifiedMaxPoolTest {

    private static final int SAMPLES = 2;
    private static final int COLUMNS = 3;

    /**
     * What a chain makes of inputs and cotangents.
     *
     * @param output of the last module
     * @param back cotangents of the first one's input
     */
    private record Outcome(double[] output, double[] back) {}

    private static Outcome run(List<Module> chain, Shape sample, double[] x, double[] cotangents) {
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            TestContext context = TestContext.of(backend, scope, SAMPLES);
            Tensor value = backend.upload(scope, sample.prepend(SAMPLES), DType.FLOAT64, x);
            List<Evaluation> evaluations = new ArrayList<>();
            for (Module module : chain) {
                evaluations.add(module.evaluate(context, List.of(value), Map.of()));
                value = evaluations.get(evaluations.size() - 1).output();
            }
            double[] output = value.toDoubleArray();
            Tensor back = backend.upload(scope, value.shape().prepend(COLUMNS), DType.FLOAT64, cotangents);
            for (int i = chain.size() - 1; i >= 0; i--) {
                back = evaluations.get(i).pullback(context, back).input(0);
            }
            assertThat(back.shape()).isEqualTo(sample.prepend(SAMPLES).prepend(COLUMNS));
            return new Outcome(output, back.toDoubleArray());
        }
    }

    private static Module fused(List<Module> chain, Shape sample) {
        return RectifiedMaxPool.fuse(chain, sample).orElseThrow();
    }

    private static void assertSame(List<Module> chain, Shape sample, double[] x) {
        Module one = fused(chain, sample);
        Shape output = sample;
        for (Module module : chain) {
            output = module.declare(List.of(output)).output();
        }
        assertThat(one.declare(List.of(sample)).output()).isEqualTo(output);
        double[] cotangents = Randomness.normal(
                Randomness.of(one.toString()), COLUMNS * output.prepend(SAMPLES).elements());
        Outcome expected = run(chain, sample, x, cotangents);
        Outcome actual = run(List.of(one), sample, x, cotangents);
        String what = "%s of %s at %s".formatted(one, sample, Arrays.toString(x));
        assertThat(actual.output()).as(what).isEqualTo(expected.output());
        assertThat(actual.back()).as(what).usingComparatorWithPrecision(1e-13).containsExactly(expected.back());
    }

    /** Numbers of which many are equal, zero, or not positive. */
    private static double[] numbers(Random random, long count) {
        int kind = random.nextInt(4);
        double[] x = Randomness.normal(random, count);
        for (int i = 0; i < x.length; i++) {
            x[i] = switch (kind) {
                case 0 -> x[i];
                case 1 -> -Math.abs(x[i]);
                case 2 -> random.nextInt(5) - 3;
                default -> Math.min(0, random.nextInt(3) - 1);
            };
        }
        return x;
    }

    @RepeatedTest(150)
    void isTheChainAtRandom(RepetitionInfo repetition) {
        Random random = Randomness.of("rectified " + repetition.getCurrentRepetition());
        int axes = 1 + random.nextInt(3);
        List<Integer> kernel = new ArrayList<>();
        List<Integer> stride = new ArrayList<>();
        List<Integer> padding = new ArrayList<>();
        List<Integer> dilation = new ArrayList<>();
        List<Integer> pads = new ArrayList<>();
        long[] sample = new long[axes + 1];
        sample[0] = 1L + random.nextInt(3);
        for (int axis = 0; axis < axes; axis++) {
            kernel.add(1 + random.nextInt(3));
            stride.add(1 + random.nextInt(3));
            padding.add(random.nextInt(kernel.get(axis) / 2 + 1));
            dilation.add(1 + random.nextInt(2));
            pads.add(0, random.nextInt(2));
            pads.add(1, random.nextInt(3));
            sample[axis + 1] = 4L + random.nextInt(3);
        }
        Module pool = create(
                "MaxPool" + axes + "d",
                "kernel_size",
                kernel,
                "stride",
                stride,
                "padding",
                padding,
                "dilation",
                dilation,
                "ceil_mode",
                random.nextBoolean());
        List<Module> chain = new ArrayList<>(List.of(Rectifier.RELU, pool));
        if (random.nextInt(4) > 0) {
            chain.add(1, create("ZeroPad" + axes + "d", "padding", pads));
        }
        Shape shape = Shape.of(sample);
        Shape padded = chain.size() == 3 ? output(chain.get(1), sample) : shape;
        Optional<Shape> pooled = pooled(pool, padded);
        if (pooled.isEmpty()) {
            // not a chain that a model can have
            return;
        }
        boolean sees = true;
        for (int axis = 0; axis < axes; axis++) {
            int before = padding.get(axis) + (chain.size() == 3 ? pads.get(2 * (axes - 1 - axis)) : 0);
            for (int t = 0; t < pooled.get().size(axis + 1); t++) {
                int start = t * stride.get(axis) - before;
                int step = dilation.get(axis);
                long size = sample[axis + 1];
                sees &= IntStream.range(0, kernel.get(axis))
                        .mapToLong(k -> start + (long) k * step)
                        .anyMatch(at -> at >= 0 && at < size);
            }
        }
        assertThat(RectifiedMaxPool.fuse(chain, shape).isPresent()).isEqualTo(sees);
        if (sees) {
            assertSame(chain, shape, numbers(random, SAMPLES * shape.elements()));
        }
    }

    private static Optional<Shape> pooled(Module pool, Shape sample) {
        try {
            return Optional.of(pool.declare(List.of(sample)).output());
        } catch (BackpackException e) {
            return Optional.empty();
        }
    }

    @Test
    void theFirstOfEqualMaximaCountsAndNoneThatIsNotPositive() {
        List<Module> chain = List.of(Rectifier.RELU, MaxPool.of(1, 2));
        Shape sample = Shape.of(1, 8);
        double[] x = {2, 2, -1, -2, 0, 0, 0, 3, 5, 1, -1, 0, -0.0, 0, 1, 1};
        assertSame(chain, sample, x);
        double[] ones = new double[COLUMNS * 8];
        Arrays.fill(ones, 1);
        Outcome outcome = run(List.of(fused(chain, sample)), sample, x, ones);
        assertThat(outcome.output()).containsExactly(2, 0, 0, 3, 5, 0, 0, 1);
        assertThat(Arrays.copyOf(outcome.back(), 16)).containsExactly(1, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 1, 0);
    }

    @Test
    void paddingWithZerosIsNoMaximumThatSendsAnythingBack() {
        List<Module> chain =
                List.of(Rectifier.RELU, create("ZeroPad2d", "padding", List.of(0, 1, 0, 1)), MaxPool.of(2, 2));
        assertSame(
                chain, Shape.of(1, 3, 3), new double[] {-1, -2, -3, -4, -5, -6, -7, -8, 9, 1, 2, 3, 4, 5, 6, 7, 8, -9});
    }

    @Test
    void nanGoesThrough() {
        assertSame(List.of(Rectifier.RELU, MaxPool.of(1, 2)), Shape.of(1, 4), new double[] {
            1, Double.NaN, -1, 2, Double.NaN, Double.NaN, 0, Double.POSITIVE_INFINITY
        });
    }

    @Test
    void isOfferedForItsChainsOnly() {
        Shape image = Shape.of(2, 4, 4);
        Module relu = Rectifier.RELU;
        Module pool = MaxPool.of(2, 2);
        assertThat(fused(List.of(relu, pool), image).type()).isEqualTo(relu.type() + "+MaxPool2d");
        assertThat(fused(List.of(relu, Pad.zeros(1, 0), pool), image)).isNotNull();
        Module elu = new Rectifier(Activation.of(Activation.Kind.SIGMOID));
        for (List<Module> chain : List.<List<Module>>of(
                List.of(elu, pool),
                List.of(pool, relu),
                List.of(relu, relu),
                List.of(relu, pool, pool),
                List.of(relu, pool, relu),
                List.of(relu, AvgPool.of(2, 2)),
                List.of(relu, new Pad(List.of(1L, 0L), 0.5), pool),
                List.of(relu, new Pad(List.of(-1L, 1L), 0), pool),
                List.of(relu, new Pad(List.of(0L, 0L, 0L, 0L, 1L, 1L), 0), pool),
                List.of(relu, Pad.zeros(0, 3), pool),
                List.of(relu, Pad.zeros(1, 0), Pad.zeros(1, 0), pool))) {
            assertThat(RectifiedMaxPool.fuse(chain, image)).as("%s", chain).isEmpty();
        }
    }
}
