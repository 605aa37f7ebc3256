// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.ext.secondorder.PCHMP;
import io.backpack4j.it.oracle.Numbers;
import io.backpack4j.it.oracle.Problem;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import io.backpack4j.modules.conv.BatchNorm;
import io.backpack4j.modules.linear.Flatten;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.loss.MSELoss;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SortedMap;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Batch norms in train mode, which couple the samples. */
class BatchNormTest {

    private static final int N = 4;
    private static final double STEP = 1e-5;

    private static Problem problem() {
        Random random = new Random(5);
        ModelDescription model = Networks.model(
                "MSELoss",
                "mean",
                Networks.node("0", "Conv1d", Map.of("in_channels", 2, "out_channels", 3, "kernel_size", 2)),
                Networks.node("1", "BatchNorm1d", Map.of("num_features", 3)),
                Networks.node("2", "Tanh", Map.of()),
                Networks.node("3", "Flatten", Map.of()),
                Networks.linear("4", 9, 2));
        Map<String, Numbers> parameters = new LinkedHashMap<>(Networks.parameters(random, model));
        parameters.put("0.weight", Networks.normal(random, 3, 2, 2));
        parameters.put("0.bias", Networks.normal(random, 3));
        parameters.put("1.weight", Networks.normal(random, 3));
        parameters.put("1.bias", Networks.normal(random, 3));
        parameters.put("1.running_mean", Networks.normal(random, 3));
        parameters.put("1.running_var", new Numbers(new int[] {3}, new double[] {1, 2, 3}));
        Map<String, Numbers> inputs = Map.of("input", Networks.normal(random, N, 2, 4));
        return new Problem(model, inputs, Networks.normal(random, N, 2), parameters);
    }

    @ParameterizedTest
    @EnumSource
    void the_gradient_is_the_slope_of_the_loss(Setting setting) {
        Problem problem = problem();
        try (Passes exact = new Passes(Setting.FLOAT64);
                Passes passes = new Passes(setting)) {
            SortedMap<String, double[]> results = passes.run(problem, List.of(), PassOptions.DEFAULT);
            for (String parameter : problem.trained()) {
                double[] values = problem.parameters().get(parameter).values();
                double[] slopes = new double[values.length];
                for (int i = 0; i < values.length; i++) {
                    slopes[i] = (loss(exact, problem, parameter, i, STEP) - loss(exact, problem, parameter, i, -STEP))
                            / (2 * STEP);
                }
                Setting.FLOAT32.assertClose(parameter, results.get(parameter + "/grad"), slopes);
            }
        }
    }

    private static double loss(Passes passes, Problem problem, String parameter, int index, double step) {
        double[] moved = problem.parameters().get(parameter).values().clone();
        moved[index] += step;
        return passes.run(problem.with(parameter, moved), List.of(), PassOptions.DEFAULT)
                .get("loss")[0];
    }

    @Test
    void quantities_of_single_samples_are_refused() {
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            for (Request<?> request : passes.firstOrder()) {
                assertThatThrownBy(() -> passes.run(problem(), List.of(request), PassOptions.DEFAULT))
                        .hasMessageStartingWith(
                                "[CoupledSamples] " + request.extension().type())
                        .hasMessageContaining("node '1' (BatchNorm1d) mixes the samples of a batch")
                        .hasMessageContaining("eval mode")
                        .hasMessageContaining("\"mode\": \"eval\"");
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"1, CLIP", "1, ABS", "2, CLIP", "2, ABS"})
    void the_positive_curvature_hessian_is_refused_by_name(int axes, CurvatureMatrix.Projection projection) {
        try (BackPack backpack = Setting.FLOAT64.open(1)) {
            String refusal =
                    "The positive-curvature Hessian has no rule for node 'norm' (BatchNorm%dd)".formatted(axes);
            Shape sample = axes == 1 ? Shape.of(2, 3) : Shape.of(2, 3, 1);
            Request<?> request = Request.of(new PCHMP(projection));
            CurvatureMatrix matrix = new CurvatureMatrix.PositiveCurvature(projection);
            for (Mode mode : Mode.values()) {
                Graph graph = Graph.builder()
                        .add("norm", BatchNorm.of(axes, 2, mode))
                        .add("flat", new Flatten())
                        .add("line", new Linear(6, 2))
                        .build();
                try (Model model = backpack.model(graph, new MSELoss(), DType.FLOAT64, sample);
                        Batch batch = backpack.batch(DType.FLOAT64)
                                .input(Graph.INPUT, sample.prepend(2), new double[] {1, 2, 3, 4, 5, 6, 6, 5, 4, 3, 2, 1
                                })
                                .targets(Shape.of(2, 2), new double[4])
                                .build()) {
                    model.parameters().initialize(1);
                    ThrowingCallable pass = () -> backpack.plan(model, batch, List.of(request), PassOptions.DEFAULT)
                            .run(batch)
                            .close();
                    ThrowingCallable linearization =
                            () -> backpack.linearize(model, batch, matrix).close();
                    if (mode == Mode.TRAIN) {
                        assertThatThrownBy(pass)
                                .hasMessageStartingWith("[UnsupportedModule] Extension PCHMP: " + refusal);
                        assertThatThrownBy(linearization).hasMessageStartingWith("[UnsupportedModule] " + refusal);
                    } else {
                        assertThatCode(pass).doesNotThrowAnyException();
                        assertThatCode(linearization).doesNotThrowAnyException();
                    }
                }
            }
        }
    }
}
