// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.influence;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.tensor.DType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Stored projections against sums of signs in plain Java; files with faults. */
class GradientStoreTest {

    private static final int SAMPLES = 40;
    private static final int DIMENSION = 70;
    private static final long SEED = 11;
    private static final double DAMPING = 0.02;

    private static BackPack backpack;

    @TempDir
    Path folder;

    @BeforeAll
    static void open() {
        backpack = BackPack.builder().threads(2).build();
    }

    @AfterAll
    static void close() {
        assertThat(backpack.backend().memory().openTensors()).isZero();
        backpack.close();
    }

    private static Batch batch(SoftmaxRegression data) {
        long[] all = IntStream.range(0, data.labels.length).asLongStream().toArray();
        return SoftmaxNetwork.source(data).read(all, 1).upload(backpack, DType.FLOAT64);
    }

    /** R v, weights before biases. */
    private static double[] projected(double[] vector) {
        Signs signs = new Signs(SEED);
        int weights = SoftmaxRegression.FEATURES * SoftmaxRegression.CLASSES;
        double[] projected = new double[DIMENSION];
        for (int k = 0; k < DIMENSION; k++) {
            for (int i = 0; i < vector.length; i++) {
                double sign = i < weights ? signs.sign("0.weight", k, i) : signs.sign("0.bias", k, i - weights);
                projected[k] += sign * vector[i];
            }
        }
        return projected;
    }

    @Test
    void scores_are_inner_products_of_projections_however_the_data_is_split() {
        SoftmaxRegression data = SoftmaxRegression.points(SAMPLES, 5, 1.0 / SAMPLES, DAMPING);
        SoftmaxRegression tests = SoftmaxRegression.points(3, 6, 1.0 / SAMPLES, DAMPING);
        double[] theta = data.minimum(new double[SoftmaxRegression.PARAMETERS], -1);
        double[][] hessian = data.hessian(theta, -1);
        Path file = folder.resolve("store");
        try (Model model = SoftmaxNetwork.model(backpack, theta, LossReduction.MEAN);
                Batch test = batch(tests);
                Influence influence = Influence.exact(
                        backpack, model, new CurvatureMatrix.GaussNewton(), DAMPING, SoftmaxNetwork.source(data))) {
            influence.writeStore(file, DIMENSION, SEED);
            GradientStore store = GradientStore.open(file);
            assertThat(store.samples()).isEqualTo(SAMPLES);
            assertThat(store.dimension()).isEqualTo(DIMENSION);
            double[][] scores = influence.scores(test, store);
            for (int t = 0; t < 3; t++) {
                double[] solved = projected(SoftmaxRegression.solve(hessian, tests.gradient(theta, t)));
                for (int n = 0; n < SAMPLES; n++) {
                    double[] gradient = projected(data.gradient(theta, n));
                    double sum = 0;
                    for (int k = 0; k < DIMENSION; k++) {
                        sum -= solved[k] * gradient[k] / SAMPLES / DIMENSION;
                    }
                    // Projections are kept in float32.
                    assertThat(scores[t][n]).isCloseTo(sum, within(1e-6));
                }
                double[] row = scores[t];
                Influential first = influence.topK(test, 4, store).get(t).get(0);
                assertThat(Math.abs(first.score()))
                        .isEqualTo(Arrays.stream(row).map(Math::abs).max().orElseThrow());
                assertThat(row[(int) first.id()]).isEqualTo(first.score());
            }
            model.parameters().set("0.bias", new double[SoftmaxRegression.CLASSES]);
            assertThatThrownBy(() -> influence.scores(test, store)).hasMessageContaining("is of a model with numbers");
            assertThatThrownBy(() -> influence.writeStore(file, 0, 1)).hasMessageContaining("1 is the least");
        }
    }

    @Test
    void signs_are_even_and_directions_independent() {
        Signs signs = new Signs(3);
        int count = 20_000;
        double sum = 0;
        double together = 0;
        for (int i = 0; i < count; i++) {
            sum += signs.sign("p", 0, i);
            together += signs.sign("p", 0, i) * signs.sign("p", 1, i) + signs.sign("p", 0, i) * signs.sign("q", 0, i);
        }
        // Five deviations.
        assertThat(Math.abs(sum)).isLessThan(5 * Math.sqrt(count));
        assertThat(Math.abs(together)).isLessThan(5 * Math.sqrt(2 * count));
    }

    @Test
    void files_with_faults_are_refused() throws Exception {
        SoftmaxRegression data = SoftmaxRegression.points(9, 7, 1.0 / 9, DAMPING);
        Path file = folder.resolve("good");
        try (Model model = SoftmaxNetwork.model(backpack, new double[SoftmaxRegression.PARAMETERS], LossReduction.SUM);
                Influence influence = Influence.lowRank(
                        backpack, model, new CurvatureMatrix.GaussNewton(), 2, 1, SoftmaxNetwork.source(data))) {
            influence.writeStore(file, 3, 1);
        }
        byte[] good = Files.readAllBytes(file);
        assertThat(good).hasSize(80 + 9 * (8 + 3 * 4));
        Random random = new Random(1);
        Path broken = folder.resolve("broken");
        for (int length = 0; length < good.length; length++) {
            Files.write(broken, Arrays.copyOf(good, length));
            assertThatThrownBy(() -> GradientStore.open(broken)).isInstanceOf(BackpackException.class);
        }
        Files.write(broken, Arrays.copyOf(good, good.length + 1));
        assertThatThrownBy(() -> GradientStore.open(broken)).hasMessageContaining("take 260 bytes, but it has 261");
        for (int trial = 0; trial < 500; trial++) {
            byte[] bytes = good.clone();
            for (int change = 0; change <= trial % 4; change++) {
                bytes[random.nextInt(32)] = (byte) random.nextInt(256);
            }
            Files.write(broken, bytes);
            try {
                GradientStore store = GradientStore.open(broken);
                assertThat(store.samples()).isEqualTo(9);
                store.dot(8, new double[store.dimension()]);
            } catch (BackpackException e) {
                assertThat(e).hasMessageContaining("no gradient store");
            }
        }
        assertThatThrownBy(() -> GradientStore.open(folder.resolve("nowhere")))
                .isInstanceOf(BackpackException.class)
                .hasMessageContaining("cannot be read");
    }
}
