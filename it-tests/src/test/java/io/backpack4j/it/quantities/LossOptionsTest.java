// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.it.oracle.FirstOrder;
import io.backpack4j.it.oracle.SecondOrder;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Losses with every option against the oracle; what a linear loss refuses. */
class LossOptionsTest {

    private static final int N = 4;

    /** What the definitions say does not depend on the setting, and takes long. */
    private static final Map<String, Map<String, double[]>> ORACLE = new ConcurrentHashMap<>();

    @ParameterizedTest
    @EnumSource
    void results_are_those_of_the_definitions(Setting setting) {
        try (Passes passes = new Passes(setting)) {
            for (LossOptions.Named named : LossOptions.curved(N)) {
                check(setting, passes, named, curvature(passes));
            }
            for (LossOptions.Named named : LossOptions.linear(N)) {
                check(setting, passes, named, List.of());
            }
            LossOptions.Named classes = LossOptions.ignoring(N).get(0);
            check(setting, passes, classes, curvature(passes));
            check(setting, passes, LossOptions.ignoring(N).get(1), List.of());
        }
    }

    private static List<Request<?>> curvature(Passes passes) {
        return List.of(
                passes.request("DiagGGNExact", Map.of()),
                passes.request("BatchDiagGGNExact", Map.of()),
                passes.request("SqrtGGNExact", Map.of()));
    }

    private static Map<String, double[]> oracle(LossOptions.Named named) {
        Map<String, double[]> results = new TreeMap<>(new FirstOrder(named.problem()).results());
        results.putAll(new SecondOrder(named.problem(), true).results());
        return results;
    }

    private static void check(Setting setting, Passes passes, LossOptions.Named named, List<Request<?>> curvature) {
        List<Request<?>> requests = Stream.concat(
                        curvature.stream(),
                        Stream.of("BatchGrad", "BatchL2Grad", "SumGradSquared", "DiagHessian", "BatchDiagHessian")
                                .map(type -> passes.request(type, Map.of())))
                .toList();
        Map<String, double[]> expected = new TreeMap<>(ORACLE.computeIfAbsent(named.name(), name -> oracle(named)));
        Map<String, double[]> whole = passes.run(named.problem(), requests, PassOptions.DEFAULT);
        assertThat(whole).as(named.name()).containsKeys("loss_batch", "6.weight/diag_h", "0.weight/grad_batch");
        expected.keySet().retainAll(whole.keySet());
        setting.assertClose(named.name(), whole, expected);
        setting.assertClose(
                named.name() + " sample by sample",
                passes.run(named.problem(), requests, PassOptions.DEFAULT.chunk(1)),
                expected);
    }

    /** Without a column that is asked for itself, plans take the reduced root. */
    @Test
    void reduced_roots_make_the_same_matrix() {
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            for (LossOptions.Named named : LossOptions.curved(N)) {
                List<Request<?>> requests = List.of(passes.request("DiagGGNExact", Map.of()));
                Map<String, double[]> actual = passes.run(named.problem(), requests, PassOptions.DEFAULT);
                Map<String, double[]> expected = new TreeMap<>(new SecondOrder(named.problem(), false).results());
                expected.keySet().removeIf(key -> !key.endsWith("/diag_ggn_exact"));
                actual.keySet().retainAll(expected.keySet());
                Setting.FLOAT64.assertClose(named.name(), actual, expected);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "DiagGGNExact",
                "BatchDiagGGNExact",
                "SqrtGGNExact",
                "DiagGGNMC",
                "BatchDiagGGNMC",
                "SqrtGGNMC",
                "KFAC",
                "KFLR",
                "KFRA",
                "GGNMP"
            })
    void linear_losses_refuse_the_gauss_newton_family(String type) {
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            for (LossOptions.Named named : LossOptions.linear(N)) {
                List<Request<?>> requests = List.of(passes.request(type, Map.of()));
                String loss = named.problem().model().loss().type();
                assertThatThrownBy(() -> passes.run(named.problem(), requests, PassOptions.DEFAULT))
                        .as(named.name())
                        .hasMessageContaining("[UnsupportedLoss] " + type + " is made of the Hessian of the loss")
                        .hasMessageContaining("that of " + loss + " is zero wherever it exists. Use ");
            }
        }
    }

    @Test
    void a_mean_over_nothing_is_refused() {
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            LossOptions.Named named = LossOptions.ignoring(2).get(0);
            assertThatThrownBy(() -> passes.run(
                            named.problem().pick(0, 0),
                            List.of(passes.request("BatchGrad", Map.of())),
                            PassOptions.DEFAULT))
                    .hasMessageContaining("[InvalidTarget]")
                    .hasMessageContaining("All 2 targets of the batch are ignored");
        }
    }
}
