// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.backpack4j.backend.cpu.Numbers;
import io.backpack4j.backend.cpu.Variant;
import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.PerSampleConvolution;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/**
 * Whether what is scattered has been written or not makes no difference to anybody. The oracle is the host's kernels,
 * which always write.
 */
class PendingScatterTest {

    private static final Variant SINGLE = new Variant("onednn", DType.FLOAT32);
    private static final Window POOLING =
            new Window(List.of(3L, 2L), List.of(2L, 2L), List.of(1L, 0L), List.of(1L, 1L));
    private static final Window CONVOLUTION =
            new Window(List.of(3L, 3L), List.of(1L, 1L), List.of(1L, 0L), List.of(1L, 1L));

    private static final int COLUMNS = 3;

    /** A pooling of what a convolution makes, and columns of cotangents of its output. */
    private static final class Chain {

        final Tensor input;
        final Tensor weight;
        final Tensor indices;
        final Tensor cotangents;
        final Tensor scattered;

        Chain(Backend backend, TensorScope scope, Random random, long samples, long channels) {
            Shape plane = Shape.of(channels, 9, 8);
            input = Numbers.random(random, SINGLE, Shape.of(samples, 5, 9, 10)).on(scope, SINGLE);
            weight = Numbers.random(random, SINGLE, Shape.of(channels, 5, 3, 3)).on(scope, SINGLE);
            Tensor x = Numbers.random(random, SINGLE, plane.prepend(samples)).on(scope, SINGLE);
            Shape pooled = Shape.of(samples, channels, 5, 4);
            Tensor maxima = scope.allocate(pooled, DType.FLOAT32);
            indices = scope.allocate(pooled, DType.INT64);
            backend.pooling().maximum(POOLING, x, maxima, indices);
            cotangents = Numbers.random(random, SINGLE, pooled.with(0, COLUMNS * samples))
                    .on(scope, SINGLE);
            scattered =
                    Numbers.filled(plane.prepend(COLUMNS * samples), Double.NaN).on(scope, SINGLE);
            backend.pooling().scatter(indices, cotangents, scattered);
        }

        boolean isPending() {
            return ((CpuTensor) scattered).block.pending != null;
        }
    }

    /** What is read of cotangents, by name, without or with writing them all first. */
    private static Map<String, double[]> readings(
            String kernels, int round, long samples, long channels, boolean written) {
        Map<String, double[]> found = new TreeMap<>();
        try (Backend backend = Variant.open(kernels);
                TensorScope scope = backend.openScope()) {
            var chain = new Chain(backend, scope, Variant.random(round), samples, channels);
            long batch = COLUMNS * samples;
            if (written) {
                chain.scattered.toDoubleArray();
            }
            boolean pending = chain.isPending();
            var all = new PerSampleConvolution(CONVOLUTION, chain.scattered, chain.input, chain.weight.shape());
            var convolutions = backend.convolutions();

            Tensor sums = zeros(scope, chain.weight.shape().prepend(COLUMNS));
            convolutions.sum(all, sums);
            found.put("sums", sums.toDoubleArray());

            Tensor copies = zeros(scope, chain.weight.shape().prepend(batch));
            Tensor squares = zeros(scope, chain.weight.shape());
            Tensor norms = zeros(scope, Shape.of(batch));
            convolutions.contract(
                    all,
                    List.of(
                            new TileConsumer.Copy(copies),
                            new TileConsumer.SumOfSquares(squares, null, null),
                            new TileConsumer.SquaredNorms(norms)));
            found.put("copies", copies.toDoubleArray());
            found.put("squares", squares.toDoubleArray());
            found.put("norms", norms.toDoubleArray());

            Tensor someSquares = zeros(scope, chain.weight.shape());
            Tensor rows = scope.rows(chain.scattered, samples + 1, 2 * samples);
            Tensor some = scope.rows(chain.input, 1, samples);
            convolutions.contract(
                    new PerSampleConvolution(CONVOLUTION, rows, some, chain.weight.shape()),
                    List.of(new TileConsumer.SumOfSquares(someSquares, null, null)));
            found.put("squares of some", someSquares.toDoubleArray());

            Tensor totals = zeros(scope, Shape.of(batch, channels));
            Shape flat = Shape.of(batch, channels, 72);
            backend.reductions().reduce(Reduction.SUM, scope.view(chain.scattered, flat), 2, 3, totals);
            found.put("totals", totals.toDoubleArray());
            Tensor someTotals = zeros(scope, Shape.of(samples - 1, channels));
            backend.reductions()
                    .reduce(Reduction.SUM, scope.rows(scope.view(chain.scattered, flat), 1, samples), 2, 3, someTotals);
            found.put("totals of some", someTotals.toDoubleArray());

            Tensor back = zeros(scope, Shape.of(batch, 5, 9, 10));
            convolutions.convolveTransposed(CONVOLUTION, chain.scattered, chain.weight, null, back);
            found.put("back", back.toDoubleArray());
            assertThat(chain.isPending()).as("nobody needed it as a whole").isEqualTo(pending);

            found.put("all", chain.scattered.toDoubleArray());
            assertThat(chain.isPending()).isFalse();
        }
        return found;
    }

    private static Tensor zeros(TensorScope scope, Shape shape) {
        return Numbers.filled(shape, 0).on(scope, SINGLE);
    }

    /** Up to rounding, per unit of the largest number, or of the terms, which are up to one. */
    private static void assertClose(Map<String, double[]> actual, Map<String, double[]> expected, String what) {
        expected.forEach((name, values) -> {
            double largest = Arrays.stream(values).map(Math::abs).max().orElse(0);
            double unit = Math.max(1, largest);
            double[] found = actual.get(name);
            assertThat(found).as(name).hasSameSizeAs(values);
            for (int i = 0; i < values.length; i++) {
                if (!(Math.abs(found[i] - values[i]) <= 3e-6 * unit)) {
                    fail("%s[%d] of %s, seed %d: %s, not %s", name, i, what, Variant.seed(), found[i], values[i]);
                }
            }
        });
    }

    @Test
    void everyReaderSeesTheSameNumbers() {
        int round = 0;
        for (long samples : new long[] {2, 7, 12}) {
            for (long channels : new long[] {1, 8, 48}) {
                var expected = readings("nd4j", ++round, samples, channels, false);
                for (boolean written : new boolean[] {false, true}) {
                    var actual = readings("onednn", round, samples, channels, written);
                    assertClose(actual, expected, samples + " samples of " + channels + " channels");
                }
            }
        }
    }

    @Test
    void runsOfSamplesAreWrittenOneAfterTheOther() {
        long channels = 1000;
        assertThat(4 * channels * 72 * Float.BYTES).as("more than a run").isGreaterThan(1 << 20);
        assertClose(
                readings("onednn", 100, 4, channels, false),
                readings("nd4j", 100, 4, channels, false),
                "samples of many channels");
    }

    @Test
    void aChangeOfWhatIsScatteredComesTooLate() {
        Random random = Variant.random(200);
        try (Backend backend = SINGLE.open();
                TensorScope scope = backend.openScope()) {
            double[] expected = new Chain(backend, scope, Variant.random(200), 3, 8).scattered.toDoubleArray();

            var changed = new Chain(backend, scope, Variant.random(200), 3, 8);
            assertThat(changed.isPending()).isTrue();
            backend.elementwise().fill(changed.cotangents, 7);
            assertThat(changed.scattered.toDoubleArray()).containsExactly(expected);

            var written = new Chain(backend, scope, Variant.random(200), 3, 8);
            written.cotangents.write(0, new double[] {9}, 0, 1);
            assertThat(written.scattered.toDoubleArray()).containsExactly(expected);

            var read = new Chain(backend, scope, Variant.random(200), 3, 8);
            read.indices.toLongArray();
            assertThat(read.isPending()).isFalse();
            assertThat(read.scattered.toDoubleArray()).containsExactly(expected);

            var again = new Chain(backend, scope, Variant.random(200), 3, 8);
            Tensor other = Numbers.random(random, SINGLE, Shape.of(3, 8, 9, 8)).on(scope, SINGLE);
            Tensor maxima = scope.allocate(again.indices.shape(), DType.FLOAT32);
            backend.pooling().maximum(POOLING, other, maxima, again.indices);
            assertThat(again.scattered.toDoubleArray()).containsExactly(expected);
        }
    }

    @Test
    void severalMayBePendingFromTheSamePlaces() {
        try (Backend backend = SINGLE.open();
                TensorScope scope = backend.openScope()) {
            var chain = new Chain(backend, scope, Variant.random(300), 3, 8);
            Tensor second = scope.allocate(chain.scattered.shape(), DType.FLOAT32);
            backend.pooling().scatter(chain.indices, chain.cotangents, second);
            double[] expected = second.toDoubleArray();
            assertThat(chain.scattered.toDoubleArray()).containsExactly(expected);
        }
    }

    @Test
    void whatIsNeverReadLeavesNothingBehind() {
        try (Backend backend = SINGLE.open()) {
            for (int round = 0; round < 3; round++) {
                try (TensorScope scope = backend.openScope()) {
                    var chain = new Chain(backend, scope, Variant.random(400), 3, 8);
                    // what is scattered outlives its own handles until it is forgotten
                    chain.cotangents.close();
                    chain.indices.close();
                    assertThat(chain.isPending()).isTrue();
                    if (round == 1) {
                        assertThat(chain.scattered.toDoubleArray()).doesNotContain(Double.NaN);
                    }
                }
                assertThat(backend.memory().openTensors()).isZero();
                assertThat(backend.memory().usedBytes()).isZero();
            }
        }
    }
}
