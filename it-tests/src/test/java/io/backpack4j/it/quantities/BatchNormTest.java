package io.backpack4j.it.quantities;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.it.oracle.Numbers;
import io.backpack4j.it.oracle.Problem;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SortedMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
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
                        .hasMessageContaining("GroupNorm");
            }
        }
    }
}
