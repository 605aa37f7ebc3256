// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.robustness;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.RunOptions;
import io.backpack4j.kernel.Session;
import io.backpack4j.kernel.SessionOptions;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.tensor.DType;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The same seed, splitting, number of threads and backend give the same bits: again, from a new plan, in another
 * instance, and in a session.
 */
class DeterminismTest {

    private static final int N = 33;
    private static final int PASSES = 4;
    private static final List<PassOptions> SPLITTINGS = List.of(
            PassOptions.DEFAULT,
            PassOptions.DEFAULT.chunk(8),
            PassOptions.DEFAULT.chunk(7).block(2));

    @ParameterizedTest
    @CsvSource({
        "onednn, 1, FLOAT32",
        "onednn, 2, FLOAT32",
        "onednn, 1, FLOAT64",
        "onednn, 2, FLOAT64",
        "nd4j, 1, FLOAT32",
        "nd4j, 2, FLOAT32",
        "nd4j, 1, FLOAT64",
        "nd4j, 2, FLOAT64"
    })
    void the_same_bits(String kernels, int threads, DType dtype) {
        // Wide enough for products and convolutions to be shared among threads.
        for (Graph graph : List.of(Nets.perceptron(96), Nets.convolutions(64))) {
            for (PassOptions options : SPLITTINGS) {
                Map<String, double[]> first = results(kernels, threads, dtype, graph, options, 1);
                Map<String, double[]> again = results(kernels, threads, dtype, graph, options, PASSES);
                assertSame(again, first);
            }
        }
        Figures.row(
                "the same pass again, kernels %s, %d threads, %s".formatted(kernels, threads, dtype),
                "%d passes in two instances, two networks, three splittings: the same bits",
                2 * SPLITTINGS.size() * (PASSES + 1));
    }

    /** The results of the last of several passes of an instance of its own; all must be equal. */
    private static Map<String, double[]> results(
            String kernels, int threads, DType dtype, Graph graph, PassOptions options, int passes) {
        try (BackPack backpack = BackPack.builder()
                        .backend("cpu")
                        .threads(threads)
                        .properties(Map.of("backpack.cpu.kernels", kernels))
                        .build();
                Model model = backpack.model(graph, new CrossEntropyLoss(LossReduction.MEAN), dtype, Nets.IMAGE);
                Batch batch = Nets.batch(backpack, dtype, N, 5)) {
            model.parameters().initialize(3);
            Plan plan = backpack.plan(model, batch, Nets.REQUESTS, options);
            Map<String, double[]> results = Nets.results(plan, batch, RunOptions.seed(11));
            for (int pass = 1; pass < passes; pass++) {
                assertSame(Nets.results(plan, batch, RunOptions.seed(11)), results);
            }
            results.putAll(session(backpack, model, batch, options));
            return results;
        }
    }

    private static Map<String, double[]> session(BackPack backpack, Model model, Batch batch, PassOptions options) {
        Map<String, double[]> arrays = new TreeMap<>();
        try (Session session = backpack.session(
                model, Nets.REQUESTS, SessionOptions.DEFAULT.pass(options).seed(11))) {
            session.add(batch);
            try (Results results = session.results()) {
                results.tensors().forEach((name, tensor) -> arrays.put("session " + name, tensor.toDoubleArray()));
            }
        }
        return arrays;
    }

    private static void assertSame(Map<String, double[]> actual, Map<String, double[]> expected) {
        expected.forEach((name, values) -> assertThat(actual.get(name)).as(name).isEqualTo(values));
    }
}
