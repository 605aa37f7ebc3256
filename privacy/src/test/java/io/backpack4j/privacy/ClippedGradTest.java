// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.privacy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.ext.firstorder.BatchGrad;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.modules.conv.Conv2d;
import io.backpack4j.modules.linear.Flatten;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.Tanh;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.extension.ParameterGroups;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The sum of clipped gradients beside one that is made of stored gradients of single samples. */
class ClippedGradTest {

    private static final int SAMPLES = 7;
    private static final double NORM = 0.4;

    private static BackPack backpack;

    @BeforeAll
    static void open() {
        backpack = BackPack.create();
    }

    @AfterAll
    static void close() {
        backpack.close();
    }

    private static Model model(DType dtype, LossReduction reduction) {
        Graph graph = Graph.sequential(Conv2d.of(2, 3, 2), new Tanh(), new Flatten(), new Linear(12, 4));
        Model model = backpack.model(graph, new CrossEntropyLoss(reduction), dtype, Shape.of(2, 3, 3));
        model.parameters().initialize(5);
        return model;
    }

    private static Batch batch(DType dtype) {
        Random random = new Random(3);
        double[] inputs = random.doubles(SAMPLES * 18L, -2, 2).toArray();
        return backpack.batch(dtype)
                .input(Graph.INPUT, Shape.of(SAMPLES, 2, 3, 3), inputs)
                .targets(Shape.of(SAMPLES), random.longs(SAMPLES, 0, 4).toArray())
                .build();
    }

    /** Σ_n min(1, norm/‖v_n‖) v_n by group, and the norms over all. */
    private record Expected(Map<String, double[]> sums, double[] norms) {

        static Expected of(Results results, List<String> parameters, ParameterGroups groups, double factor) {
            Map<String, double[]> all = new LinkedHashMap<>();
            parameters.forEach(
                    name -> all.put(name, results.get(new BatchGrad(), name).toDoubleArray()));
            Map<String, double[]> sums = new LinkedHashMap<>();
            all.forEach((name, values) -> sums.put(name, new double[values.length / SAMPLES]));
            double[] norms = new double[SAMPLES];
            for (int n = 0; n < SAMPLES; n++) {
                double total = 0;
                for (List<String> members : groups.members(parameters).values()) {
                    double square = 0;
                    for (String name : members) {
                        int size = all.get(name).length / SAMPLES;
                        for (int i = 0; i < size; i++) {
                            square += Math.pow(factor * all.get(name)[n * size + i], 2);
                        }
                    }
                    total += square;
                    double weight = Math.min(1, NORM / Math.sqrt(square));
                    for (String name : members) {
                        int size = all.get(name).length / SAMPLES;
                        for (int i = 0; i < size; i++) {
                            sums.get(name)[i] += weight * factor * all.get(name)[n * size + i];
                        }
                    }
                }
                norms[n] = Math.sqrt(total);
            }
            return new Expected(sums, norms);
        }
    }

    @ParameterizedTest
    @EnumSource(LossReduction.class)
    void isTheSumOfClippedGradients(LossReduction reduction) {
        for (ParameterGroups groups : List.of(
                ParameterGroups.ALL,
                ParameterGroups.LAYER,
                ParameterGroups.PARAMETER,
                ParameterGroups.of(List.of(List.of("0.*", "3.bias"), List.of("3.weight"))))) {
            for (DType dtype : List.of(DType.FLOAT64, DType.FLOAT32)) {
                double tolerance = dtype == DType.FLOAT64 ? 1e-12 : 1e-5;
                var clipped = new ClippedGrad(NORM, groups);
                try (Model model = model(dtype, reduction);
                        Batch batch = batch(dtype);
                        Results results = backpack.compute(model, batch, new BatchGrad(), clipped)) {
                    List<String> parameters = model.parameters().trainable();
                    double factor = reduction == LossReduction.MEAN ? SAMPLES : 1;
                    Expected expected = Expected.of(results, parameters, groups, factor);
                    assertThat(Arrays.stream(expected.norms()).max().orElseThrow())
                            .as("some are clipped")
                            .isGreaterThan(NORM);
                    for (String name : parameters) {
                        assertThat(results.get(clipped, name).toDoubleArray())
                                .as("%s %s %s", name, groups, dtype)
                                .containsExactly(expected.sums().get(name), within(tolerance));
                    }
                    assertThat(results.network(clipped).toDoubleArray())
                            .containsExactly(expected.norms(), within(tolerance));
                }
            }
        }
    }

    @Test
    void chunksChangeNothing() {
        var clipped = new ClippedGrad(NORM);
        try (Model model = model(DType.FLOAT64, LossReduction.MEAN);
                Batch batch = batch(DType.FLOAT64);
                Results whole = backpack.compute(model, batch, clipped);
                Results parts =
                        backpack.compute(model, batch, List.of(Request.of(clipped)), PassOptions.DEFAULT.chunk(2))) {
            for (String name : model.parameters().trainable()) {
                assertThat(parts.get(clipped, name).toDoubleArray())
                        .containsExactly(whole.get(clipped, name).toDoubleArray(), within(1e-13));
            }
        }
    }

    @Test
    void aBoundThatNobodyReachesGivesTheGradientTimesTheSamples() {
        var clipped = new ClippedGrad(1e6);
        try (Model model = model(DType.FLOAT64, LossReduction.MEAN);
                Batch batch = batch(DType.FLOAT64);
                Results results = backpack.compute(model, batch, clipped)) {
            double[] gradient = results.gradient("0.weight").toDoubleArray();
            double[] sum = results.get(clipped, "0.weight").toDoubleArray();
            for (int i = 0; i < sum.length; i++) {
                assertThat(sum[i]).isCloseTo(SAMPLES * gradient[i], within(1e-13));
            }
        }
    }

    @Test
    void boundsThatAreNotPossibleAreRefused() {
        assertThatThrownBy(() -> new ClippedGrad(0)).hasMessageContaining("'max_norm' is 0.0, but must be");
        assertThatThrownBy(() -> new ClippedGrad(Double.NaN)).hasMessageContaining("NaN");
        assertThatThrownBy(() -> backpack.catalog()
                        .extension("ClippedGrad", Map.of("max_norm", 1.0, "per_layer", true, "groups", "parameter")))
                .hasMessageContaining("Take one of them");
        assertThat(backpack.catalog().extension("ClippedGrad", Map.of("max_norm", 1.0, "per_layer", true)))
                .isEqualTo(new ClippedGrad(1, ParameterGroups.LAYER));
    }
}
