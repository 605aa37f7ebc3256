// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.ext.firstorder.BatchGrad;
import io.backpack4j.ext.firstorder.Variance;
import io.backpack4j.ext.secondorder.KFAC;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Cost;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.loss.MSELoss;
import io.backpack4j.spi.backend.MemoryAccount;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What plans say that passes cost. */
class CostTest {

    private static final long ANY_BYTES = 1L << 60;
    private static final int REPETITIONS = 5;

    /**
     * Nothing but sanity is asked for here: other tests and other programs have the same processors, where threads that
     * wait for each other took a hundred times as long, and the first runs of a network are not compiled yet. {@link
     * CostTable} compares with a factor of two on a quiet machine.
     */
    private static final double SANE = 1000;

    private static BackPack backpack;

    @BeforeAll
    static void open() {
        backpack = BackPack.builder().backend("cpu").build();
    }

    @AfterAll
    static void close() {
        assertThat(backpack.backend().memory().openTensors()).isZero();
        backpack.close();
    }

    static List<String> architectures() {
        return Architecture.NAMES;
    }

    @ParameterizedTest
    @MethodSource("architectures")
    void are_those_of_the_pass(String name) {
        Architecture architecture = Architecture.read(name);
        for (Extension<?> extension : List.of(new BatchGrad(), new Variance(), new KFAC())) {
            try (Model model = architecture.model(backpack, DType.FLOAT32);
                    Batch batch = architecture.batch(backpack, DType.FLOAT32)) {
                Request<?> request = name.equals("gpt") && extension instanceof KFAC
                        ? Request.of(extension).only("blocks.*")
                        : Request.of(extension);
                Plan plan = backpack.plan(model, batch, List.of(request), PassOptions.DEFAULT);
                Cost cost = plan.cost(batch);
                double seconds = Double.POSITIVE_INFINITY;
                long peak = 0;
                for (int repetition = 0; repetition < REPETITIONS; repetition++) {
                    long start = System.nanoTime();
                    try (MemoryAccount account = backpack.backend()
                                    .openAccount(ANY_BYTES, ANY_BYTES)
                                    .orElseThrow();
                            Results results = plan.run(batch)) {
                        assertThat(results.loss()).isFinite();
                        peak = account.peakBytes();
                    }
                    seconds = Math.min(seconds, (System.nanoTime() - start) * 1e-9);
                }
                assertThat(cost.isRehearsed()).isTrue();
                assertThat((double) cost.peakBytes()).as("%s bytes", extension).isBetween(0.9 * peak, 1.1 * peak);
                assertThat(cost.seconds()).as("%s seconds", extension).isBetween(seconds / SANE, seconds * SANE);
            }
        }
    }

    @Test
    void count_multiplications_and_additions() {
        Graph graph = Graph.sequential(new Linear(30, 20), new Linear(20, 10));
        try (Model model = backpack.model(graph, new MSELoss(), DType.FLOAT64, Shape.of(30));
                Batch batch = backpack.batch(DType.FLOAT64)
                        .input(Graph.INPUT, Shape.of(7, 30), new double[210])
                        .targets(Shape.of(7, 10), new double[70])
                        .build()) {
            Cost cost =
                    backpack.plan(model, batch, List.of(), PassOptions.DEFAULT).cost(batch);
            assertThat(cost.nodes()).extracting(Cost.NodeCost::node).containsExactly("0", "1");
            // products, and a bias that is added to every output
            assertThat(cost.nodes().get(0).forwardOperations()).isBetween(2.0 * 7 * 30 * 20, 2.4 * 7 * 30 * 20);
            assertThat(cost.nodes().get(1).forwardOperations()).isBetween(2.0 * 7 * 20 * 10, 2.4 * 7 * 20 * 10);
            // the second layer's products by its weight and by its input; the first one's input is nobody's parameter
            assertThat(cost.nodes().get(1).backwardOperations()).isBetween(4.0 * 7 * 20 * 10, 4.8 * 7 * 20 * 10);
            assertThat(cost.nodes().get(0).backwardOperations()).isBetween(2.0 * 7 * 30 * 20, 2.4 * 7 * 30 * 20);
        }
    }

    @Test
    void need_no_rehearsal_that_takes_long() {
        Graph graph = Graph.sequential(new Linear(9000, 9000));
        try (Model model = backpack.model(graph, new MSELoss(), DType.FLOAT32, Shape.of(9000));
                Batch batch = backpack.batch(DType.FLOAT32)
                        .input(Graph.INPUT, Shape.of(300, 9000), new float[300 * 9000])
                        .targets(Shape.of(300, 9000), new double[300 * 9000])
                        .build()) {
            Plan plan = backpack.plan(model, batch, List.of(Request.of(new BatchGrad())), PassOptions.DEFAULT);
            Cost cost = plan.cost(batch);
            assertThat(cost.isRehearsed()).isFalse();
            assertThat(cost.peakBytes()).isEqualTo(plan.peakBytes()).isGreaterThan(300L * 9000 * 9000 * 4);
        }
    }
}
