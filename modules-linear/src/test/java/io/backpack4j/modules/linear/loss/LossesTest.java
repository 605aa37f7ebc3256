// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear.loss;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.testkit.Numbers;
import io.backpack4j.testkit.Randomness;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What holds for every loss: derivatives are differences, roots and draws make the Hessian. */
class LossesTest {

    private static final double STEP = 1e-5;
    private static final int DRAWS = 20_000;

    static Stream<LossRunner> losses() {
        List<LossRunner> runners = new ArrayList<>();
        for (LossReduction reduction : LossReduction.values()) {
            for (Shape shape : List.of(Shape.of(3, 4), Shape.of(2, 3, 2), Shape.of(2, 2, 1, 3), Shape.of(2, 1))) {
                runners.add(runner(new CrossEntropyLoss(reduction), shape));
            }
            for (Shape shape : List.of(Shape.of(3), Shape.of(3, 1), Shape.of(2, 4), Shape.of(2, 2, 3))) {
                runners.add(runner(new MSELoss(reduction), shape));
                runners.add(runner(new BCEWithLogitsLoss(reduction), shape));
                runners.add(runner(new HuberLoss(reduction, 0.6), shape));
                runners.add(runner(new SmoothL1Loss(reduction, 0.7), shape));
                runners.add(runner(new PoissonNLLLoss(true, true, 1e-8, reduction), shape));
                runners.add(runner(new GaussianNLLLoss(ElementNumbers.ofAll(0.4), true, 1e-6, reduction), shape));
            }
            ElementNumbers rows = new ElementNumbers(List.of(3L, 1L), List.of(0.5, 0.0, 2.0));
            ElementNumbers columns = ElementNumbers.of(3, 0.25);
            runners.add(runner(new BCEWithLogitsLoss(rows, columns, reduction), Shape.of(2, 3, 2)));
            runners.add(runner(new BCEWithLogitsLoss(null, columns, reduction), Shape.of(3, 2)));
            runners.add(runner(new GaussianNLLLoss(columns, false, 0.5, reduction), Shape.of(3, 2)));
        }
        return runners.stream();
    }

    /** Losses whose factor depends on the targets. */
    static Stream<LossRunner> classLosses() {
        List<LossRunner> runners = new ArrayList<>();
        List<Double> weight = List.of(0.5, 2.0, 1.25);
        for (LossReduction reduction : LossReduction.values()) {
            for (Shape shape : List.of(Shape.of(4, 3), Shape.of(2, 3, 2), Shape.of(2, 3, 1, 3))) {
                runners.add(runner(new CrossEntropyLoss(weight, 1, reduction, 0), shape));
                runners.add(runner(new CrossEntropyLoss(null, 2, reduction, 0.2), shape));
                runners.add(runner(new CrossEntropyLoss(weight, -100, reduction, 0.3), shape));
                runners.add(soft(new CrossEntropyLoss(weight, -100, reduction, 0.1), shape));
                runners.add(soft(new CrossEntropyLoss(reduction), shape));
            }
        }
        return runners.stream();
    }

    static Stream<LossRunner> curvedLosses() {
        return Stream.concat(losses(), classLosses());
    }

    /** Losses without a Hessian, whose root is zero. */
    static Stream<LossRunner> allLosses() {
        List<LossRunner> runners = new ArrayList<>();
        for (Shape shape : List.of(Shape.of(4, 3), Shape.of(2, 3, 2))) {
            runners.add(runner(new NLLLoss(List.of(0.5, 2.0, 1.25), 1, LossReduction.MEAN), shape));
            runners.add(runner(new NLLLoss(), shape));
            runners.add(runner(new L1Loss(), shape));
            runners.add(runner(new SmoothL1Loss(LossReduction.SUM, 0), shape));
            runners.add(runner(new KLDivLoss(), shape));
            runners.add(runner(new KLDivLoss(KLDivLoss.Reduction.BATCHMEAN, true), shape));
            runners.add(runner(new PoissonNLLLoss(false, true, 9, LossReduction.MEAN), shape));
        }
        return Stream.concat(curvedLosses(), runners.stream());
    }

    private static LossRunner soft(CrossEntropyLoss loss, Shape shape) {
        Random random = Randomness.of("probabilities of " + loss);
        return new LossRunner(
                loss,
                shape,
                shape,
                DType.FLOAT64,
                random.doubles(shape.elements()).toArray());
    }

    private static LossRunner runner(Loss loss, Shape shape) {
        Random random = Randomness.of("targets of " + loss);
        int count = (int) (LossRunner.isOfClasses(loss) ? shape.elements() / shape.size(1) : shape.elements());
        double[] targets = new double[count];
        for (int i = 0; i < count; i++) {
            if (LossRunner.isOfClasses(loss)) {
                targets[i] = random.nextInt((int) shape.size(1));
            } else {
                boolean any = loss instanceof MSELoss || loss instanceof HuberLoss || loss instanceof SmoothL1Loss;
                targets[i] = any ? random.nextGaussian() : random.nextInt(5) / 4.0;
                targets[i] *= loss instanceof PoissonNLLLoss ? 3 : 1;
            }
        }
        return LossRunner.of(loss, shape, targets);
    }

    @ParameterizedTest
    @MethodSource("losses")
    void factorsAreOneOverTheNumberOfTerms(LossRunner runner) {
        boolean sum = runner.loss().toString().contains("SUM");

        assertThat(runner.normaliser()).isEqualTo(sum ? 1 : 1.0 / runner.targets().length);
    }

    @ParameterizedTest
    @MethodSource("allLosses")
    void gradientsAreDifferencesOfValues(LossRunner runner) {
        double[] output = output(runner);
        double[] expected = new double[output.length];
        int perSample = output.length / (int) runner.samples();
        for (int i = 0; i < output.length; i++) {
            double[] high = runner.values(moved(output, i, STEP));
            double[] low = runner.values(moved(output, i, -STEP));
            for (int n = 0; n < high.length; n++) {
                double slope = runner.normaliser() * (high[n] - low[n]) / (2 * STEP);
                assertThat(n == i / perSample || slope == 0).as("no coupling").isTrue();
                expected[i] += slope;
            }
        }

        Numbers.assertClose("gradient", runner.gradient(output), expected, 1e-8);
    }

    @ParameterizedTest
    @MethodSource("curvedLosses")
    void rootsMakeTheHessian(LossRunner runner) {
        double[] output = output(runner);
        int count = (int) runner.rootCount();

        double[] product = outer(runner, runner.root(output, 0, count), count);

        assertThat(count).isEqualTo(output.length / (int) runner.samples());
        Numbers.assertClose("root", product, hessian(runner, output), 1e-8);
    }

    @ParameterizedTest
    @MethodSource("curvedLosses")
    void rangesOfRootColumnsArePartsOfAll(LossRunner runner) {
        double[] output = output(runner);
        int count = (int) runner.rootCount();
        double[] all = runner.root(output, 0, count);
        for (int from = 0; from <= count; from++) {
            for (int to = from; to <= count; to++) {
                assertThat(runner.root(output, from, to))
                        .containsExactly(Arrays.copyOfRange(all, from * output.length, to * output.length));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("curvedLosses")
    void drawnGradientsMakeTheHessianOnAverage(LossRunner runner) {
        double[] output = output(runner);
        int size = output.length / (int) runner.samples();
        double[] sampled = runner.sampled(output, 0, DRAWS, DRAWS);
        double[] hessian = hessian(runner, output);
        for (int i = 0; i < output.length; i++) {
            for (int j = 0; j < size; j++) {
                double sum = 0;
                double squares = 0;
                for (int m = 0; m < DRAWS; m++) {
                    int start = m * output.length;
                    double product = sampled[start + i] * sampled[start + i / size * size + j];
                    sum += product;
                    squares += product * product;
                }
                double error = Math.abs(sum - hessian[i * size + j]);
                assertThat(error).isLessThanOrEqualTo(6 * Math.sqrt(squares) + 1e-8);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("curvedLosses")
    void drawnGradientsVanishOnAverage(LossRunner runner) {
        double[] output = output(runner);
        double[] sampled = runner.sampled(output, 0, DRAWS, DRAWS);
        for (int i = 0; i < output.length; i++) {
            double sum = 0;
            double squares = 0;
            for (int m = 0; m < DRAWS; m++) {
                sum += sampled[m * output.length + i];
                squares += Math.pow(sampled[m * output.length + i], 2);
            }
            assertThat(Math.abs(sum)).isLessThanOrEqualTo(6 * Math.sqrt(squares) + 1e-12);
        }
    }

    @ParameterizedTest
    @MethodSource("curvedLosses")
    void drawsDependOnSampleAndNumberOnly(LossRunner runner) {
        double[] output = output(runner);
        int perSample = output.length / (int) runner.samples();
        double[] all = runner.sampled(output, 0, 6, 6);

        assertThat(runner.sampled(output, 2, 5, 6))
                .containsExactly(Arrays.copyOfRange(all, 2 * output.length, 5 * output.length));
        for (int n = 0; n < runner.samples(); n++) {
            double[] alone = runner.sampledAlone(n, output, 6);
            for (int m = 0; m < 6; m++) {
                int start = m * output.length + n * perSample;
                assertThat(Arrays.copyOfRange(alone, m * perSample, (m + 1) * perSample))
                        .containsExactly(Arrays.copyOfRange(all, start, start + perSample));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("allLosses")
    void productsAreThoseOfTheHessian(LossRunner runner) {
        double[] output = output(runner);
        int size = output.length / (int) runner.samples();
        double[] hessian = hessian(runner, output);
        int columns = 2;
        double[] tangents = Randomness.normal(Randomness.of("tangents"), (long) columns * output.length);
        double[] expected = new double[tangents.length];
        for (int i = 0; i < expected.length; i++) {
            int row = i % output.length;
            for (int j = 0; j < size; j++) {
                expected[i] += hessian[row * size + j] * tangents[i / size * size + j];
            }
        }

        Numbers.assertClose("product", runner.product(output, columns, tangents), expected, 1e-8);
    }

    @ParameterizedTest
    @MethodSource("curvedLosses")
    void extremeOutputsStayFinite(LossRunner runner) {
        if (runner.loss() instanceof PoissonNLLLoss) {
            return; // Its mean is e^1000.
        }
        double[] output = new double[(int) runner.shape().elements()];
        for (int i = 0; i < output.length; i++) {
            output[i] = i % 3 == 0 ? 1000 : i % 3 == 1 ? -1000 : 0;
        }
        assertThat(runner.allFinite(DType.FLOAT64, output)).isTrue();
        if (runner.loss() instanceof CrossEntropyLoss) {
            assertThat(runner.allFinite(DType.FLOAT32, output)).isTrue();
        }
    }

    @ParameterizedTest
    @MethodSource("curvedLosses")
    void targetsOfTheOtherPrecisionAreConverted(LossRunner runner) {
        assertThat(runner.allFinite(DType.FLOAT32, output(runner))).isTrue();
    }

    private static double[] output(LossRunner runner) {
        return Randomness.normal(
                Randomness.of("output of " + runner.loss()), runner.shape().elements());
    }

    private static double[] moved(double[] output, int index, double step) {
        double[] moved = output.clone();
        moved[index] += step;
        return moved;
    }

    /** c ∇²ℓ_n by differences of gradients, {@code [N, D, D]}. */
    private static double[] hessian(LossRunner runner, double[] output) {
        int size = output.length / (int) runner.samples();
        double[] hessian = new double[output.length * size];
        for (int i = 0; i < output.length; i++) {
            double[] high = runner.gradient(moved(output, i, STEP));
            double[] low = runner.gradient(moved(output, i, -STEP));
            for (int j = 0; j < size; j++) {
                int other = i / size * size + j;
                hessian[i * size + j] = (high[other] - low[other]) / (2 * STEP);
            }
        }
        return hessian;
    }

    /** Σ_v s_vn s_vnᵀ, {@code [N, D, D]}. */
    private static double[] outer(LossRunner runner, double[] columns, int count) {
        int all = (int) runner.shape().elements();
        int size = all / (int) runner.samples();
        double[] product = new double[all * size];
        for (int v = 0; v < count; v++) {
            for (int i = 0; i < all; i++) {
                for (int j = 0; j < size; j++) {
                    product[i * size + j] += columns[v * all + i] * columns[v * all + i / size * size + j];
                }
            }
        }
        return product;
    }
}
