package io.backpack4j.modules.linear.loss;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.HeapBackend;
import io.backpack4j.testkit.Numbers;
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
                                + " to 2, as the network's output has 3 classes.");
        assertThatThrownBy(() -> validate(new CrossEntropyLoss(), Shape.of(1, 3, 2, 2), DType.INT64, 0, 1, 2, -100))
                .hasMessageContaining("sample 0 at position [1, 1] is class -100");
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
