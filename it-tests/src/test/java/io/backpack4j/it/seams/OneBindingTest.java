// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.ext.firstorder.BatchGrad;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.Session;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.loss.MSELoss;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** How often a graph is bound to shapes, which is when its modules declare their outputs. */
class OneBindingTest {

    private static final int N = 3;

    private final AtomicInteger declared = new AtomicInteger();

    private record Declaring(Module module, AtomicInteger declared) implements Module {

        @Override
        public ModuleDeclaration declare(List<Shape> inputs) {
            declared.incrementAndGet();
            return module.declare(inputs);
        }

        @Override
        public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
            return module.evaluate(context, inputs, parameters);
        }
    }

    private interface Use {
        void with(BackPack backpack, Model model, Batch batch);
    }

    /** What loading files does: parameters are looked at before the model takes memory. */
    private int bindings(Use use) {
        Graph graph = Graph.sequential(new Declaring(new Linear(5, 2, true), declared));
        try (BackPack backpack = BackPack.builder().backend("cpu").build()) {
            assertThat(backpack.parameters(graph, Shape.of(5))).hasSize(2);
            try (Model model = backpack.model(graph, new MSELoss(LossReduction.MEAN), DType.FLOAT64, Shape.of(5));
                    Batch batch = backpack.batch(DType.FLOAT64)
                            .input("input", Shape.of(N, 5), new double[N * 5])
                            .targets(Shape.of(N, 2), new double[N * 2])
                            .build()) {
                use.with(backpack, model, batch);
            }
        }
        return declared.get();
    }

    @Test
    void an_evaluation_binds_its_graph_once() {
        assertThat(bindings((backpack, model, batch) -> {
                    List<Request<?>> requests = List.of(Request.of(new BatchGrad()));
                    PassOptions options = PassOptions.DEFAULT.memory(1L << 30).updateBuffers(false);
                    try (Results results =
                            backpack.plan(model, batch, requests, options).run(batch)) {
                        assertThat(results.tensors()).isNotEmpty();
                    }
                }))
                .isEqualTo(1);
    }

    @Test
    void a_session_binds_its_graph_once() {
        assertThat(bindings((backpack, model, batch) -> {
                    try (Session session = backpack.session(model, new BatchGrad())) {
                        session.add(batch);
                    }
                }))
                .isEqualTo(1);
    }

    @Test
    void other_modes_and_other_graphs_are_bound_anew() {
        assertThat(bindings((backpack, model, batch) -> {
                    backpack.plan(model, batch, List.of(), PassOptions.DEFAULT.mode(Mode.EVAL));
                    Graph other = Graph.sequential(new Declaring(new Linear(5, 4, false), declared));
                    assertThat(backpack.parameters(other, Shape.of(5))).hasSize(1);
                    assertThat(backpack.parameters(other, Shape.of(7, 5))).hasSize(1);
                }))
                .isEqualTo(4);
    }
}
