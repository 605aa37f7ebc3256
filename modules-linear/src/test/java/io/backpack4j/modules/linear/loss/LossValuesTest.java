// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear.loss;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.Numbers;
import io.backpack4j.testkit.heap.HeapBackend;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Values and columns by their formulas, and complaints about targets. */
class LossValuesTest {

    private static final Shape PAIR = Shape.of(1, 2);

    @Test
    void crossEntropyIsTheNegativeLogProbability() {
        double[] output = {1, 2, 3, 0, 0.5, -1};
        LossRunner runner = LossRunner.of(new CrossEntropyLoss(), Shape.of(1, 3, 2), new double[] {2, 0});

        // classes are two apart: 1, 3, 0.5 at the first position, 2, 0, -1 at the second
        double first = -0.5 + Math.log(Math.exp(1) + Math.exp(3) + Math.exp(0.5));
        double second = -2 + Math.log(Math.exp(2) + Math.exp(0) + Math.exp(-1));
        assertThat(runner.values(output)[0]).isCloseTo(first + second, within(1e-14));
        assertThat(runner.normaliser()).isEqualTo(0.5);
    }

    @Test
    void crossEntropyRootHasItsOrderAndSign() {
        double[] output = {1, 2, 3, 0, 0.5, -1};
        LossRunner runner = LossRunner.of(new CrossEntropyLoss(), Shape.of(1, 3, 2), new double[] {2, 0});
        double[] expected = new double[36];
        for (int position = 0; position < 2; position++) {
            double total = 0;
            for (int c = 0; c < 3; c++) {
                total += Math.exp(output[2 * c + position]);
            }
            for (int v = 0; v < 3; v++) {
                double pv = Math.exp(output[2 * v + position]) / total;
                for (int c = 0; c < 3; c++) {
                    double pc = Math.exp(output[2 * c + position]) / total;
                    double element =
                            Math.sqrt(runner.normaliser() * pc) * ((v == c ? 1 : 0) - Math.sqrt(pv) * Math.sqrt(pc));
                    expected[(2 * v + position) * 6 + 2 * c + position] = element;
                }
            }
        }

        Numbers.assertClose("root", runner.root(output, 0, 6), expected, 1e-14);
    }

    @Test
    void squaredErrorIsNotHalved() {
        LossRunner runner = LossRunner.of(new MSELoss(), PAIR, new double[] {1, -1});

        assertThat(runner.values(new double[] {3, 2})).containsExactly(4 + 9);
        assertThat(runner.gradient(new double[] {3, 2})).containsExactly(2, 3);
        assertThat(runner.root(new double[] {3, 2}, 1, 2)).containsExactly(0, 1);
    }

    @Test
    void logisticLossIsStableAndTakesSoftTargets() {
        LossRunner runner = LossRunner.of(new BCEWithLogitsLoss(), PAIR, new double[] {0.25, 1});

        double soft = -0.25 * Math.log(1 / (1 + Math.exp(-0.5))) - 0.75 * Math.log(1 - 1 / (1 + Math.exp(-0.5)));
        assertThat(runner.values(new double[] {0.5, 40})[0]).isCloseTo(soft, within(1e-15));
        LossRunner certain = LossRunner.of(new BCEWithLogitsLoss(), Shape.of(1), new double[] {1});
        assertThat(certain.values(new double[] {40})[0]).isCloseTo(Math.exp(-40), within(1e-30));
        assertThat(certain.values(new double[] {-1000})).containsExactly(1000);
        LossRunner binary = LossRunner.of(new BCEWithLogitsLoss(), Shape.of(1, 1), new double[] {0});
        assertThat(binary.root(new double[] {0}, 0, 1)).containsExactly(0.5);
    }

    @Test
    void drawnGradientsAreThoseOfLabels() {
        double[] output = {0.3, -0.7};
        LossRunner classes = LossRunner.of(new CrossEntropyLoss(), PAIR, new double[] {0});
        double p = 1 / (1 + Math.exp(-1));
        double[] drawn = classes.sampled(output, 0, 50, 50);
        for (int m = 0; m < 50; m++) {
            double scaled = drawn[2 * m] * Math.sqrt(50);
            assertThat(Math.min(Math.abs(scaled - p), Math.abs(scaled - (p - 1))))
                    .isLessThan(1e-14);
            assertThat(drawn[2 * m + 1]).isCloseTo(-drawn[2 * m], within(1e-15));
        }
        LossRunner binary = LossRunner.of(new BCEWithLogitsLoss(), PAIR, new double[] {0, 0});
        double sigma = 1 / (1 + Math.exp(-0.3));
        double[] flips = binary.sampled(output, 0, 50, 50);
        for (int m = 0; m < 50; m++) {
            double scaled = flips[2 * m] * Math.sqrt(100);
            assertThat(Math.min(Math.abs(scaled - sigma), Math.abs(scaled - (sigma - 1))))
                    .isLessThan(1e-14);
        }
    }

    /** By the definitions, term by term. */
    @Test
    void elementLossesAreTheirFormulas() {
        double[] output = {0.3, -1.7};
        double[] targets = {0.5, 2};
        check(new L1Loss(), output, targets, 0.2 + 3.7);
        check(new SmoothL1Loss(LossReduction.MEAN, 0.5), output, targets, 0.04 / 2 / 0.5 + 3.7 - 0.25);
        check(new SmoothL1Loss(LossReduction.MEAN, 0), output, targets, 0.2 + 3.7);
        check(new HuberLoss(LossReduction.MEAN, 0.5), output, targets, 0.04 / 2 + 0.5 * (3.7 - 0.25));
        check(new PoissonNLLLoss(), output, targets, Math.exp(0.3) - 0.15 + Math.exp(-1.7) + 3.4);
        double stirling = 2 * Math.log(2) - 2 + 0.5 * Math.log(4 * Math.PI);
        PoissonNLLLoss full = new PoissonNLLLoss(true, true, 1e-8, LossReduction.MEAN);
        check(full, output, targets, Math.exp(0.3) - 0.15 + Math.exp(-1.7) + 3.4 + stirling);
        PoissonNLLLoss means = new PoissonNLLLoss(false, false, 2, LossReduction.MEAN);
        check(means, output, targets, 0.3 - 0.5 * Math.log(2.3) - 1.7 - 2 * Math.log(0.3));
        GaussianNLLLoss normal = new GaussianNLLLoss(ElementNumbers.of(0.1, 2), false, 0.25, LossReduction.MEAN);
        check(normal, output, targets, 0.5 * (Math.log(0.25) + 0.04 / 0.25 + Math.log(2) + 3.7 * 3.7 / 2));
        GaussianNLLLoss constant = new GaussianNLLLoss(ElementNumbers.ofAll(1), true, 1e-6, LossReduction.MEAN);
        check(constant, output, targets, 0.5 * (0.04 + 3.7 * 3.7) + Math.log(2 * Math.PI));
        check(new KLDivLoss(), output, new double[] {0.5, 0}, 0.5 * (Math.log(0.5) - 0.3));
        KLDivLoss logarithms = new KLDivLoss(KLDivLoss.Reduction.BATCHMEAN, true);
        check(logarithms, output, targets, Math.exp(0.5) * 0.2 + Math.exp(2) * 3.7);
        double one = 3 * (0.75 * Math.log1p(Math.exp(-0.3)) * 0.5 + 0.25 * Math.log1p(Math.exp(0.3)));
        BCEWithLogitsLoss weighted =
                new BCEWithLogitsLoss(ElementNumbers.of(3, 0), ElementNumbers.ofAll(0.5), LossReduction.MEAN);
        check(weighted, output, new double[] {0.75, 1}, one);
        check(new NLLLoss(List.of(0.5, 2.0), -100, LossReduction.MEAN), output, new double[] {1}, 3.4);
    }

    private static void check(Loss loss, double[] output, double[] targets, double expected) {
        assertThat(LossRunner.of(loss, PAIR, targets).values(output)[0])
                .as(loss.toString())
                .isCloseTo(expected, within(1e-14));
    }

    @Test
    void crossEntropiesWithOptionsAreTheirFormulas() {
        double[] output = {1, 2, -0.5, 0, 0.5, -1};
        double[] first = logSoftmax(1, 2, -0.5);
        double[] second = logSoftmax(0, 0.5, -1);
        List<Double> weight = List.of(0.5, 2.0, 1.25);
        Shape shape = Shape.of(2, 3);
        LossRunner ignoring =
                LossRunner.of(new CrossEntropyLoss(weight, -100, LossReduction.MEAN, 0), shape, new double[] {1, -100});
        assertThat(ignoring.values(output)[0]).isCloseTo(-2 * first[1], within(1e-14));
        assertThat(ignoring.values(output)[1]).isZero();
        assertThat(ignoring.normaliser()).isEqualTo(0.5);
        LossRunner smoothed =
                LossRunner.of(new CrossEntropyLoss(weight, 7, LossReduction.MEAN, 0.3), shape, new double[] {1, 2});
        double uniform = -0.1 * (0.5 * first[0] + 2 * first[1] + 1.25 * first[2]);
        assertThat(smoothed.values(output)[0]).isCloseTo(-0.7 * 2 * first[1] + uniform, within(1e-14));
        assertThat(smoothed.normaliser()).isCloseTo(1 / 3.25, within(1e-15));
        LossRunner soft = new LossRunner(
                new CrossEntropyLoss(weight, -1, LossReduction.MEAN, 0), shape, shape, DType.FLOAT64, new double[] {
                    0.2, 0.3, 0.5, 0, 1, 0
                });
        double expected = -0.2 * 0.5 * first[0] - 0.3 * 2 * first[1] - 0.5 * 1.25 * first[2];
        assertThat(soft.values(output)[0]).isCloseTo(expected, within(1e-14));
        assertThat(soft.values(output)[1]).isCloseTo(-2 * second[1], within(1e-14));
        assertThat(soft.normaliser()).isEqualTo(0.5);
    }

    private static double[] logSoftmax(double... logits) {
        double sum = Arrays.stream(logits).map(Math::exp).sum();
        return Arrays.stream(logits).map(logit -> logit - Math.log(sum)).toArray();
    }

    @Test
    void argumentsAreChecked() {
        assertThatThrownBy(() -> new CrossEntropyLoss(List.of(1.0, -1.0), -100, LossReduction.MEAN, 0))
                .hasMessage("[InvalidArgument] Argument 'weight' of CrossEntropyLoss is [1.0, -1.0], but must be finite"
                        + " numbers of at least 0.");
        assertThatThrownBy(() -> new CrossEntropyLoss(null, -100, LossReduction.MEAN, 1.5))
                .hasMessageContaining("'label_smoothing'");
        assertThatThrownBy(() -> new HuberLoss(LossReduction.MEAN, 0)).hasMessageContaining("a number above 0");
        assertThatThrownBy(() -> new SmoothL1Loss(LossReduction.MEAN, -1)).hasMessageContaining("'beta'");
        assertThatThrownBy(() -> new GaussianNLLLoss(ElementNumbers.of(-1))).hasMessageContaining("'var'");
        Loss weighted = new CrossEntropyLoss(List.of(1.0, 2.0), -100, LossReduction.MEAN, 0);
        assertThatThrownBy(() -> weighted.validate(Shape.of(4, 3), Shape.of(4), DType.INT64))
                .hasMessageContaining("has 2 numbers, but the network's output has 3 classes");
        Loss ignoring = new CrossEntropyLoss(null, 0, LossReduction.MEAN, 0);
        assertThatThrownBy(() -> ignoring.validate(Shape.of(4, 3), Shape.of(4, 3), DType.FLOAT64))
                .hasMessageContaining("targets are probabilities");
        Loss elements = new BCEWithLogitsLoss(null, ElementNumbers.of(1, 2), LossReduction.MEAN);
        elements.validate(Shape.of(5, 3, 2), Shape.of(5, 3, 2), DType.FLOAT64);
        assertThatThrownBy(() -> elements.validate(Shape.of(2), Shape.of(2), DType.FLOAT64))
                .hasMessageContaining("must stretch to a sample's output of shape []");
        assertThatThrownBy(() -> elements.validate(Shape.of(2, 3), Shape.of(2, 3), DType.FLOAT64))
                .hasMessageContaining("'pos_weight' of BCEWithLogitsLoss has the shape [2]");
    }

    @Test
    void shapesAreChecked() {
        Loss classes = new CrossEntropyLoss();
        classes.validate(Shape.of(4, 3), Shape.of(4), DType.INT64);
        classes.validate(Shape.of(4, 3, 2, 5), Shape.of(4, 2, 5), DType.INT64);
        assertThatThrownBy(() -> classes.validate(Shape.of(4), Shape.of(4), DType.INT64))
                .hasMessageContaining("[N, C]")
                .hasMessageContaining("the network's is [4]");
        assertThatThrownBy(() -> classes.validate(Shape.of(4, 3), Shape.of(4, 3), DType.INT64))
                .hasMessage("[ShapeMismatch] CrossEntropyLoss needs targets of shape [4] for an output of shape [4, 3],"
                        + " but they have shape [4, 3].");
        assertThatThrownBy(() -> classes.validate(Shape.of(4, 3), Shape.of(4), DType.FLOAT32))
                .hasMessageContaining("class indices (INT64), but they are FLOAT32");
        for (Loss loss : new Loss[] {new MSELoss(), new BCEWithLogitsLoss()}) {
            loss.validate(Shape.of(4), Shape.of(4), DType.FLOAT32);
            assertThatThrownBy(() -> loss.validate(Shape.of(), Shape.of(), DType.FLOAT32))
                    .hasMessageContaining("[N, *]");
            assertThatThrownBy(() -> loss.validate(Shape.of(4, 1), Shape.of(4), DType.FLOAT64))
                    .hasMessageContaining("targets of shape [4, 1]");
            assertThatThrownBy(() -> loss.validate(Shape.of(4), Shape.of(4), DType.INT64))
                    .hasMessageContaining("real numbers");
        }
    }

    @Test
    void valuesAreChecked() {
        assertThatThrownBy(() -> validate(new CrossEntropyLoss(), Shape.of(2, 3), DType.INT64, 0, 3))
                .hasMessage(
                        "[InvalidTarget] The target of sample 1 is class 3, but CrossEntropyLoss needs a class from 0"
                                + " to 2, as the network's output has 3 classes, or -100, which is ignored.");
        assertThatThrownBy(() -> validate(new CrossEntropyLoss(), Shape.of(1, 3, 2, 2), DType.INT64, 0, 1, -100, -1))
                .hasMessageContaining("sample 0 at position [1, 1] is class -1,");
        assertThatThrownBy(() -> validate(new CrossEntropyLoss(), Shape.of(2, 3), DType.INT64, -100, -100))
                .hasMessageContaining("All 2 targets of the batch are ignored")
                .hasMessageContaining("the reduction sum");
        validate(new CrossEntropyLoss(LossReduction.SUM), Shape.of(2, 3), DType.INT64, -100, -100);
        assertThatThrownBy(() -> validate(new KLDivLoss(), PAIR, DType.FLOAT64, 0.5, -0.5))
                .hasMessageContaining("at least 0");
        assertThatThrownBy(() -> validate(new PoissonNLLLoss(), PAIR, DType.FLOAT64, 0.5, -0.5))
                .hasMessageContaining("at least 0");
        validate(new KLDivLoss(KLDivLoss.Reduction.SUM, true), PAIR, DType.FLOAT64, 0.5, -0.5);
        assertThatThrownBy(() -> validate(new MSELoss(), PAIR, DType.FLOAT32, 0, Double.NaN))
                .hasMessageContaining("sample 0 at position [1] is NaN")
                .hasMessageContaining("a finite number");
        assertThatThrownBy(() -> validate(new BCEWithLogitsLoss(), PAIR, DType.FLOAT64, 1, 1.5))
                .hasMessageContaining("is 1.5, but BCEWithLogitsLoss needs a number from 0 to 1");
        validate(new BCEWithLogitsLoss(), PAIR, DType.FLOAT64, 0, 1);
        validate(new CrossEntropyLoss(), Shape.of(40_000, 2), DType.INT64, new double[40_000]);
    }

    private static void validate(Loss loss, Shape output, DType type, double... targets) {
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            Shape shape = loss instanceof CrossEntropyLoss ? output.dropFirst(2).prepend(output.size(0)) : output;
            loss.validateValues(output, backend.upload(scope, shape, type, targets));
        }
    }
}
