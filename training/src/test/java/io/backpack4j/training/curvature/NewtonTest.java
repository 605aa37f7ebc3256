// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.curvature;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Model;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.training.Toys;
import io.backpack4j.training.Trainer;
import io.backpack4j.training.TrainingListener;
import io.backpack4j.training.TrainingStep;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class NewtonTest {

    private static BackPack backpack;

    @BeforeAll
    static void open() {
        backpack = BackPack.create();
    }

    @AfterAll
    static void close() {
        backpack.close();
    }

    /** One step without damping ends where the normal equations do, weight decay included. */
    @ParameterizedTest
    @EnumSource(Matrix.class)
    void oneStepSolvesLeastSquares(Matrix matrix) {
        int samples = 12;
        double decay = 0.2;
        double[] inputs = new double[2 * samples];
        double[] targets = new double[samples];
        try (Model model = Toys.line(backpack, DType.FLOAT64)) {
            Trainer.builder(backpack, model)
                    .optimizer(new NewtonCG(matrix, 1, Damping.constant(0), decay, 50, 1e-12, 0.9))
                    .batch(samples)
                    .listener(new TrainingListener() {
                        @Override
                        public void onTrainingBatch(TrainingStep step) {
                            double[] in = step.batch()
                                    .inputs()
                                    .values()
                                    .iterator()
                                    .next()
                                    .toDoubleArray();
                            System.arraycopy(in, 0, inputs, 0, in.length);
                            double[] out = step.batch().targets().toDoubleArray();
                            System.arraycopy(out, 0, targets, 0, out.length);
                        }
                    })
                    .build()
                    .fit(Lines.data(samples));
            // ∇ of 1/N Σ (aᵀθ − y)² + η/2 θᵀθ, a being (x, 1).
            double[][] normal = new double[3][3];
            double[] right = new double[3];
            for (int n = 0; n < samples; n++) {
                double[] a = {inputs[2 * n], inputs[2 * n + 1], 1};
                for (int i = 0; i < 3; i++) {
                    right[i] += 2 * a[i] * targets[n] / samples;
                    for (int j = 0; j < 3; j++) {
                        normal[i][j] += 2 * a[i] * a[j] / samples;
                    }
                }
            }
            double[] solution = Dense.solve(Dense.damped(normal, decay), right);
            assertThat(model.parameters().get("0.weight").toDoubleArray())
                    .containsExactly(new double[] {solution[0], solution[1]}, within(1e-9));
            assertThat(model.parameters().get("0.bias").item()).isCloseTo(solution[2], within(1e-9));
        }
    }

    /** On the whole data set no step makes the loss larger, wherever the Hessian is indefinite. */
    @ParameterizedTest
    @EnumSource(Matrix.class)
    void theLossNeverGrows(Matrix matrix) {
        List<Double> losses = new ArrayList<>();
        try (Model model = Toys.classifier(backpack, DType.FLOAT32)) {
            Trainer.builder(backpack, model)
                    .optimizer(new NewtonCG(
                            matrix, 1, Damping.everyStep(matrix == Matrix.GGN ? 1e-3 : 0.1), 0, 20, 1e-4, 0.95))
                    .epochs(30)
                    .batch(100)
                    .listener(new TrainingListener() {
                        @Override
                        public void onTrainingBatch(TrainingStep step) {
                            losses.add(step.loss());
                        }
                    })
                    .build()
                    .fit(Toys.points(100, 4));
        }
        for (int i = 1; i < losses.size(); i++) {
            assertThat(losses.get(i)).isLessThanOrEqualTo(losses.get(i - 1) + 1e-5);
        }
        assertThat(losses.get(29)).isLessThan(0.1);
    }

    @Test
    void groupsAndSchedulesScaleSteps() {
        try (Model whole = Toys.line(backpack, DType.FLOAT64);
                Model half = Toys.line(backpack, DType.FLOAT64)) {
            double[] start = whole.parameters().get("0.weight").toDoubleArray();
            for (Model model : List.of(whole, half)) {
                NewtonCG optimizer =
                        new NewtonCG(Matrix.GGN, model == whole ? 1 : 0.5, Damping.constant(0.1), 0, 50, 1e-12, 0);
                Trainer.builder(backpack, model)
                        .optimizer(optimizer)
                        .batch(12)
                        .build()
                        .fit(Lines.data(12));
            }
            double[] full = whole.parameters().get("0.weight").toDoubleArray();
            double[] part = half.parameters().get("0.weight").toDoubleArray();
            for (int i = 0; i < 2; i++) {
                assertThat(part[i] - start[i]).isCloseTo((full[i] - start[i]) / 2, within(1e-10));
            }
        }
    }
}
