// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.curvature;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.ext.secondorder.DiagGGNExact;
import io.backpack4j.ext.secondorder.DiagGGNMC;
import io.backpack4j.ext.secondorder.DiagHessian;
import io.backpack4j.ext.secondorder.KFAC;
import io.backpack4j.ext.secondorder.KFLR;
import io.backpack4j.ext.secondorder.KFRA;
import io.backpack4j.formats.ExtensionExpression;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Model;
import io.backpack4j.spi.extension.CurvatureExtension;
import io.backpack4j.spi.extension.CurvatureMatrix.Projection;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.Optimizer;
import io.backpack4j.training.ParameterGroup;
import io.backpack4j.training.Toys;
import io.backpack4j.training.Trainer;
import io.backpack4j.training.TrainingListener;
import io.backpack4j.training.TrainingStep;
import io.backpack4j.training.data.ArraySource;
import io.backpack4j.training.data.HostTensor;
import io.backpack4j.training.files.TrainingExpressions;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class PreconditionedGradientTest {

    private static BackPack backpack;

    @BeforeAll
    static void open() {
        backpack = BackPack.create();
    }

    @AfterAll
    static void close() {
        backpack.close();
    }

    static Stream<Arguments> curvatures() {
        return Stream.of(
                Arguments.of(new DiagGGNExact(), Optional.of(Projection.ABS)),
                Arguments.of(new DiagGGNMC(2), Optional.of(Projection.CLIP)),
                Arguments.of(new DiagHessian(), Optional.of(Projection.ABS)),
                Arguments.of(new DiagHessian(), Optional.of(Projection.CLIP)),
                Arguments.of(new DiagHessian(), Optional.empty()),
                Arguments.of(new KFAC(3), Optional.of(Projection.ABS)),
                Arguments.of(KFAC.empirical(), Optional.of(Projection.ABS)),
                Arguments.of(new KFLR(), Optional.empty()),
                Arguments.of(new KFRA(), Optional.of(Projection.ABS)));
    }

    /** Works out with whole matrices, from the results that a step sees, where the step must lead. */
    private static final class Oracle implements TrainingListener {

        private final PreconditionedGradient optimizer;
        private final Map<String, Double> decays;
        private final Map<String, double[]> expected = new LinkedHashMap<>();
        private int steps;

        Oracle(PreconditionedGradient optimizer, Map<String, Double> decays) {
            this.optimizer = optimizer;
            this.decays = decays;
        }

        @Override
        public void onTrainingBatch(TrainingStep step) {
            for (String name : step.training().parameters()) {
                double decay = decays.getOrDefault(name, optimizer.weightDecay());
                double[] value = step.training().model().parameters().get(name).toDoubleArray();
                double[] gradient = step.results().gradient(name).toDoubleArray();
                double[][] block = Dense.damped(step.results(), optimizer.curvature(), name, 0);
                if (step.results().get(optimizer.curvature(), name) instanceof io.backpack4j.spi.tensor.Tensor) {
                    for (int i = 0; i < value.length; i++) {
                        double curvature = block[i][i];
                        block[i][i] = optimizer.modify().equals(Optional.of(Projection.ABS))
                                ? Math.abs(curvature)
                                : optimizer.modify().equals(Optional.of(Projection.CLIP))
                                        ? Math.max(0, curvature)
                                        : curvature;
                    }
                    block = Dense.damped(block, optimizer.damping() + decay);
                } else {
                    block = Dense.damped(step.results(), optimizer.curvature(), name, optimizer.damping() + decay);
                }
                for (int i = 0; i < value.length; i++) {
                    gradient[i] += decay * value[i];
                }
                double[] direction = Dense.solve(block, gradient);
                for (int i = 0; i < value.length; i++) {
                    value[i] -= step.learningRate() * direction[i];
                }
                expected.put(name, value);
            }
        }

        @Override
        public void onStepped(TrainingStep step) {
            steps++;
            expected.forEach((name, value) -> assertThat(
                            step.training().model().parameters().get(name).toDoubleArray())
                    .as("%s after step %d", name, step.number())
                    .containsExactly(value, within(1e-8)));
        }
    }

    @ParameterizedTest
    @MethodSource("curvatures")
    void equalsTheFormulaWithWholeMatrices(CurvatureExtension<?> curvature, Optional<Projection> modify) {
        PreconditionedGradient optimizer =
                new PreconditionedGradient(curvature, 0.2, modify.isPresent() ? 0.3 : 1.3, 0.02, modify);
        Oracle oracle = new Oracle(optimizer, Map.of("2.bias", 0.0));
        try (Model model = Toys.classifier(backpack, DType.FLOAT64)) {
            Trainer.builder(backpack, model)
                    .optimizer(optimizer)
                    .group(ParameterGroup.of("2.bias").weightDecay(0))
                    .batch(10)
                    .listener(oracle)
                    .build()
                    .fit(Toys.points(30, 3));
        }
        assertThat(oracle.steps).isEqualTo(3);
    }

    @Test
    void aDenominatorThatIsNotPositiveIsAnErrorThatNamesTheParameter() {
        try (Model model = Toys.classifier(backpack, DType.FLOAT64)) {
            double[] before = model.parameters().get("2.weight").toDoubleArray();
            assertThatThrownBy(() -> train(
                            model,
                            new PreconditionedGradient(new DiagHessian(), 0.1, 0, 0, Optional.empty()),
                            Toys.points(30, 3)))
                    .hasMessageStartingWith("[NotPositiveDefinite]")
                    .hasMessageContaining("DiagHessian of parameter '0.weight'");
            assertThat(model.parameters().get("2.weight").toDoubleArray())
                    .as("nothing is updated if something cannot be")
                    .containsExactly(before);
        }
    }

    @Test
    void aZeroTraceGivesNoNaN() {
        ArraySource zeros = ArraySource.of(
                new HostTensor.Doubles(Shape.of(6, 4), new double[24]),
                new HostTensor.Longs(Shape.of(6), new long[] {0, 1, 2, 0, 1, 2}));
        for (CurvatureExtension<?> curvature : new CurvatureExtension<?>[] {new KFAC(), new KFLR(), new DiagGGNMC()}) {
            try (Model model = Toys.classifier(backpack, DType.FLOAT32)) {
                train(model, new PreconditionedGradient(curvature, 0.1, 0.01), zeros);
                for (String name : model.parameters().names()) {
                    for (double number : model.parameters().get(name).toDoubleArray()) {
                        assertThat(number).as("%s with %s", name, curvature).isFinite();
                    }
                }
            }
        }
    }

    private static void train(Model model, Optimizer optimizer, ArraySource data) {
        Trainer.builder(backpack, model).optimizer(optimizer).batch(10).build().fit(data);
    }

    @Test
    void expressionsNameACurvatureAndItsOptions() {
        assertThat(expression("PreconditionedGradient(curvature=KFAC,lr=0.1,damping=0.02,mc_samples=3)"))
                .isEqualTo(new PreconditionedGradient(new KFAC(3), 0.1, 0.02));
        assertThat(expression("PreconditionedGradient(curvature=DiagHessian,modify=none,weight_decay=0.1)"))
                .isEqualTo(new PreconditionedGradient(new DiagHessian(), 0.1, 0.01, 0.1, Optional.empty()));
        assertThat(expression(
                        "KFAC(lr=0.3,norm_constraint=0.001,use_adaptive_damping=true,damping=5,fisher=empirical)"))
                .isEqualTo(new io.backpack4j.training.curvature.KFAC(
                        KFAC.empirical(), 0.3, 0.9, 0, Damping.adaptive(5), 0.95, 1, 5, OptionalDouble.of(0.001), 0));
        assertThat(expression("NewtonCG(matrix=hessian,damping=2)"))
                .isEqualTo(new NewtonCG(Matrix.HESSIAN, 1, Damping.everyStep(2), 0, 50, 1e-4, 0.95));
    }

    /** The log names an optimiser by what makes the same one. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "PreconditionedGradient(curvature=KFAC,lr=0.1,damping=0.02,mc_samples=3)",
                "PreconditionedGradient(curvature=DiagHessian,modify=none)",
                "KFAC(norm_constraint=0.001,use_adaptive_damping=true,curvature=KFLR)",
                "KFAC()",
                "NewtonCG(matrix=hessian,damping=2,use_adaptive_damping=false)"
            })
    void argumentsMakeTheSameOptimiser(String text) {
        Optimizer optimizer = expression(text);
        Map<String, Object> options = new LinkedHashMap<>();
        optimizer.arguments().forEach((name, value) -> {
            if (value != null) {
                options.put(name, value);
            }
        });
        assertThat(expression(new ExtensionExpression(optimizer.type(), options).toString())
                        .toString())
                .isEqualTo(optimizer.toString());
    }

    @Test
    void whatIsNoCurvatureIsRefused() {
        assertThatThrownBy(() -> expression("PreconditionedGradient(curvature=BatchGrad)"))
                .hasMessageContaining("'curvature'")
                .hasMessageContaining("BatchGrad")
                .hasMessageContaining("such as DiagGGNExact or KFAC");
        assertThatThrownBy(() -> expression("PreconditionedGradient(curvature=DiagHessian,momentum=0.9)"))
                .hasMessageContaining("momentum");
        assertThatThrownBy(() -> expression("KFAC(damping=-1)")).hasMessageContaining("'damping'");
        assertThatThrownBy(() -> expression("KFAC(use_adaptive_damping=true,damping=0)"))
                .hasMessageContaining("above 0");
        assertThatThrownBy(() -> expression("NewtonCG(matrix=fisher)")).hasMessageContaining("ggn, hessian");
    }

    private static Optimizer expression(String text) {
        return TrainingExpressions.optimizer(backpack.catalog(), text);
    }
}
