// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.robustness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.ext.firstorder.BatchGrad;
import io.backpack4j.ext.firstorder.SumGradSquared;
import io.backpack4j.ext.secondorder.BatchDiagGGNExact;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.NanPolicy;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.Session;
import io.backpack4j.kernel.SessionOptions;
import io.backpack4j.kernel.SessionState;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.ReLU;
import io.backpack4j.modules.linear.loss.MSELoss;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Numbers that are not finite are refused where they come in, and reported with node, quantity and samples where they
 * arise.
 */
class NotFiniteTest {

    private static final int N = 5;

    private final BackPack backpack =
            BackPack.builder().backend("cpu").threads(1).build();

    @AfterEach
    void close() {
        assertThat(backpack.backend().memory().openTensors()).isZero();
        backpack.close();
    }

    private interface Body {
        void run(Model model, Batch batch);
    }

    /** Linear(2, 3), ReLU, Linear(3, 2) with all weights one and no bias; sample n has inputs n + 1 and 1. */
    private void with(DType dtype, Body body) {
        Graph graph = Graph.sequential(new Linear(2, 3, false), new ReLU(), new Linear(3, 2, false));
        double[] inputs = new double[2 * N];
        for (int n = 0; n < N; n++) {
            inputs[2 * n] = n + 1;
            inputs[2 * n + 1] = 1;
        }
        try (Model model = backpack.model(graph, new MSELoss(), dtype, Shape.of(2));
                Batch batch = backpack.batch(dtype)
                        .input(Graph.INPUT, Shape.of(N, 2), inputs)
                        .targets(Shape.of(N, 2), new double[2 * N])
                        .sampleIds(10, 11, 12, 13, 14)
                        .build()) {
            model.parameters().names().forEach(name -> {
                double[] ones =
                        new double[(int) model.parameters().spec(name).shape().elements()];
                Arrays.fill(ones, 1);
                model.parameters().set(name, ones);
            });
            body.run(model, batch);
        }
    }

    private void run(Model model, Batch batch, NanPolicy policy, Request<?>... requests) {
        try (Results results = backpack.plan(model, batch, List.of(requests), PassOptions.DEFAULT.nan(policy))
                .run(batch)) {
            assertThat(results.tensors()).isNotEmpty();
        }
    }

    private static void poke(Tensor tensor, long at, double value) {
        tensor.write(at, new double[] {value}, 0, 1);
    }

    @ParameterizedTest
    @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY, 1e39})
    void what_is_set_must_be_finite(double value) {
        with(
                DType.FLOAT32,
                (model, batch) -> assertThatThrownBy(
                                () -> model.parameters().set("0.weight", new double[] {1, 2, 3, value, 5, 6}))
                        .hasMessage(
                                "[NotFinite] Parameter '0.weight' is %s at position [1, 1], but must be a finite number in FLOAT32."
                                        .formatted(value)));
        assertThatThrownBy(() -> backpack.batch(DType.FLOAT32)
                        .input(Graph.INPUT, Shape.of(2, 2), new double[] {1, 2, value, 4})
                        .targets(Shape.of(2, 1), new double[] {1, value})
                        .build())
                .hasMessageContaining("[NotFinite] 'input' is %s at position [1, 0]".formatted(value))
                .hasMessageContaining("[NotFinite] 'targets' is %s at position [1, 0]".formatted(value));
    }

    @ParameterizedTest
    @EnumSource(DType.class)
    void a_parameter_that_was_written_in_place_is_named(DType dtype) {
        if (dtype == DType.INT64) {
            return;
        }
        with(dtype, (model, batch) -> {
            poke(model.parameters().get("0.weight"), 3, Double.NaN);
            assertThatThrownBy(() -> run(model, batch, NanPolicy.FAIL))
                    .hasMessageStartingWith(
                            "[NotFinite] Parameter '0.weight' is NaN at [1, 1]. Results that are not finite: "
                                    + "0.weight/grad, 2.weight/grad, loss, loss_batch, output. The element type is "
                                    + dtype);
            run(model, batch, NanPolicy.IGNORE);
            poke(model.parameters().get("0.weight"), 3, 1);
            run(model, batch, NanPolicy.FAIL);
        });
    }

    @Test
    void an_input_is_named_with_its_samples() {
        with(DType.FLOAT32, (model, batch) -> {
            poke(batch.inputs().get(Graph.INPUT), 3, Double.NEGATIVE_INFINITY);
            poke(batch.inputs().get(Graph.INPUT), 8, Double.NaN);
            assertThatThrownBy(() -> run(model, batch, NanPolicy.FAIL))
                    .hasMessageStartingWith(
                            "[NotFinite] Input 'input' has 2 numbers that are not finite, the first -Infinity at [1, 1], in 2 sample(s) (ids 11, 14).");
        });
    }

    @Test
    void the_first_node_that_overflows_is_named_with_its_samples() {
        with(DType.FLOAT32, (model, batch) -> {
            // Sample n's sum is (n + 2) · 1e38: those from the third on exceed 3.4e38.
            model.parameters().set("0.weight", new double[] {1e38, 1e38, 1, 1, 1, 1});
            assertThatThrownBy(() -> run(model, batch, NanPolicy.FAIL))
                    .hasMessageStartingWith(
                            "[NotFinite] The output of node '0' (Linear) has 3 numbers that are not finite,"
                                    + " the first Infinity at [2, 0], in 3 sample(s) (ids 12, 13, 14). Results that are not finite: ");
        });
    }

    @Test
    void a_loss_that_overflows_is_named_with_its_samples() {
        with(DType.FLOAT32, (model, batch) -> {
            model.parameters().set("2.weight", new double[] {4e18, 0, 0, 0, 0, 0});
            assertThatThrownBy(() -> run(model, batch, NanPolicy.FAIL))
                    .hasMessageStartingWith("[NotFinite] The value of loss MSELoss has 2 numbers that are not finite,"
                            + " the first Infinity at [3], in 2 sample(s) (ids 13, 14). Results that are not finite: ");
        });
    }

    @Test
    void a_quantity_that_overflows_is_named() {
        with(DType.FLOAT32, (model, batch) -> {
            model.parameters().set("2.weight", new double[] {1e10, 0, 0, 0, 0, 0});
            poke(batch.targets(), 0, 1);
            assertThatThrownBy(() -> run(model, batch, NanPolicy.FAIL, Request.of(new SumGradSquared())))
                    .hasMessageStartingWith("[NotFinite] Result '0.weight/sum_grad_squared' ")
                    .hasMessageContaining("Results that are not finite: 0.weight/sum_grad_squared.");
            run(model, batch, NanPolicy.FAIL);
        });
    }

    /**
     * Results of single samples are only read again on request; what is not finite in a sample's gradient is not finite
     * in their sum.
     */
    @Test
    void single_samples() {
        Graph graph = Graph.sequential(new Linear(64, 64));
        try (Model model = backpack.model(graph, new MSELoss(), DType.FLOAT32, Shape.of(64));
                Batch batch = backpack.batch(DType.FLOAT32)
                        .input(Graph.INPUT, Shape.of(2, 64), new double[128])
                        .targets(Shape.of(2, 64), new double[128])
                        .build()) {
            poke(batch.inputs().get(Graph.INPUT), 64, 1e30);
            model.parameters().set("0.weight", new double[64 * 64]);
            model.parameters().set("0.bias", new double[64]);
            run(
                    model,
                    batch,
                    NanPolicy.FAIL,
                    Request.of(new BatchGrad()),
                    Request.of(new BatchDiagGGNExact()).only("0.bias"));
            Request<?> squares = Request.of(new BatchDiagGGNExact());
            run(model, batch, NanPolicy.FAIL, squares);
            assertThatThrownBy(() -> run(model, batch, NanPolicy.FAIL_EVERYWHERE, squares))
                    .hasMessageStartingWith(
                            "[NotFinite] Result '0.weight/diag_ggn_exact_batch' has 64 numbers that are not finite,"
                                    + " the first Infinity at [1, 0, 0], in 1 sample(s) (ids 1).");
            model.parameters().set("0.bias", onesTimes(1e12));
            assertThatThrownBy(() -> run(model, batch, NanPolicy.FAIL, Request.of(new BatchGrad())))
                    .hasMessageContaining("0.weight/grad");
        }
    }

    @Test
    void a_batch_that_overflows_leaves_its_session_as_it_was() {
        with(DType.FLOAT32, (model, batch) -> {
            try (Session session = backpack.session(model, new SumGradSquared());
                    Batch next = batch(20, 1)) {
                session.add(batch);
                double[] before = squares(session);
                try (Batch bad = batch(30, 3e38)) {
                    assertThatThrownBy(() -> session.add(bad))
                            .hasMessageStartingWith("[NotFinite] The output of node '0'");
                }
                assertThat(session.samples()).isEqualTo(N);
                assertThat(squares(session)).isEqualTo(before);
                session.add(next);
                assertThat(session.samples()).isEqualTo(N + 1);
            }
        });
    }

    /** Every batch is finite, and their sum is not. */
    @Test
    void a_session_that_overflows_names_the_quantity() {
        with(DType.FLOAT32, (model, batch) -> {
            try (Session session = backpack.session(model, new SumGradSquared())) {
                for (int n = 0; n < 3; n++) {
                    try (Batch large = batch(n, 8e8)) {
                        session.add(large);
                    }
                }
                assertThatThrownBy(session::results)
                        .hasMessageStartingWith("[NotFinite] Result '0.weight/sum_grad_squared' ");
                SessionState state = session.state();
                try (Session strict = backpack.session(model, new SumGradSquared());
                        Session lenient = backpack.session(
                                model,
                                List.of(Request.of(new SumGradSquared())),
                                SessionOptions.DEFAULT.pass(PassOptions.DEFAULT.nan(NanPolicy.IGNORE)))) {
                    assertThatThrownBy(() -> strict.merge(state))
                            .hasMessageStartingWith("[NotFinite] The session's state has ");
                    lenient.merge(state);
                    lenient.results().close();
                }
            }
        });
    }

    private Batch batch(long id, double input) {
        return backpack.batch(DType.FLOAT32)
                .input(Graph.INPUT, Shape.of(1, 2), new double[] {input, input})
                .targets(Shape.of(1, 2), new double[2])
                .sampleIds(id)
                .build();
    }

    private static double[] squares(Session session) {
        try (Results results = session.results()) {
            return results.tensors().get("0.weight/sum_grad_squared").toDoubleArray();
        }
    }

    private static double[] onesTimes(double value) {
        double[] values = new double[64];
        Arrays.fill(values, value);
        return values;
    }
}
