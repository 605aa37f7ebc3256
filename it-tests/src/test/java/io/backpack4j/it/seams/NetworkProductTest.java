// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Linearization;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.SessionOptions;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.Tanh;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.NetworkExtension;
import io.backpack4j.spi.extension.NetworkPartial;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Products of the whole network that an extension makes between its stages and at its end. */
class NetworkProductTest {

    private static final int N = 5;
    private static final CurvatureMatrix HESSIAN = new CurvatureMatrix.Hessian();
    private static final CurvatureMatrix GGN = new CurvatureMatrix.GaussNewton();

    private static BackPack backpack;

    @BeforeAll
    static void load() {
        backpack = BackPack.builder().backend("cpu").threads(2).build();
    }

    @AfterAll
    static void close() {
        assertThat(backpack.backend().memory().openTensors()).isZero();
        backpack.close();
    }

    private static Model model() {
        Graph graph = Graph.sequential(new Linear(3, 4), new Tanh(), new Linear(4, 2));
        Model model = backpack.model(graph, new CrossEntropyLoss(LossReduction.MEAN), DType.FLOAT64, Shape.of(3));
        model.parameters().initialize(3);
        return model;
    }

    private static Batch batch() {
        double[] inputs = new Random(4).doubles(N * 3, -1, 1).toArray();
        return backpack.batch(DType.FLOAT64)
                .input(Graph.INPUT, Shape.of(N, 3), inputs)
                .targets(Shape.of(N), new long[] {0, 1, 1, 0, 1})
                .build();
    }

    /**
     * gᵀ G g, g being the gradient and G the matrix: as a network-wide number, from a fold between two stages, and once
     * more from the end.
     *
     * @param asked a matrix for which products are asked
     * @param named that which is named beforehand
     */
    private record Along(CurvatureMatrix asked, CurvatureMatrix named) implements NetworkExtension<Tensor, Tensor> {

        @Override
        public String resultName() {
            return "along";
        }

        @Override
        public int stages() {
            return 2;
        }

        @Override
        public Set<CurvatureMatrix> networkMatrices() {
            return Set.of(named);
        }

        @Override
        public void declare(int stage, SiteDeclaration site) {
            if (stage == 1) {
                site.accumulate("gradient", new LossGradient(), new Contraction.Sum());
            } else {
                site.accumulate("norms", new LossGradient(), new Contraction.SquaredNorms());
            }
        }

        @Override
        public Map<String, Tensor> fold(int stage, NetworkPartial partial) {
            return stage == 1 ? Map.of("first", product(partial)) : Map.of();
        }

        private Tensor product(NetworkPartial partial) {
            Tensor sum = partial.scope().allocate(Shape.of(), partial.dtype());
            partial.backend().elementwise().fill(sum, 0);
            try (TensorScope scope = partial.backend().openScope()) {
                Map<String, Tensor> vectors = new LinkedHashMap<>();
                for (SitePartial site : partial.sites()) {
                    Shape one = site.shape().prepend(1);
                    vectors.put(site.parameter(), scope.view(site.tensor("gradient"), one));
                }
                assertThat(partial.product(asked).parameters().keySet()).containsAll(vectors.keySet());
                Map<String, Tensor> products = partial.product(asked).multiply(scope, vectors);
                vectors.forEach((name, vector) -> {
                    Tensor terms = scope.allocate(vector.shape(), vector.dtype());
                    Tensor dot = scope.allocate(Shape.of(), vector.dtype());
                    partial.backend()
                            .elementwise()
                            .combine(BinaryOperation.MULTIPLY, vector, products.get(name), terms);
                    partial.backend()
                            .reductions()
                            .reduce(Reduction.SUM, terms, 0, terms.shape().rank(), dot);
                    partial.backend().elementwise().addScaled(1, dot, sum);
                });
            }
            return sum;
        }

        @Override
        public Tensor finish(SitePartial partial) {
            return partial.tensor("norms");
        }

        @Override
        public Map<String, Tensor> export(Tensor result) {
            return Map.of();
        }

        @Override
        public Tensor finishNetwork(NetworkPartial partial) {
            Tensor both = partial.scope().allocate(Shape.of(2), partial.dtype());
            try (TensorScope scope = partial.backend().openScope()) {
                Tensor[] values = {partial.folded("first"), product(partial)};
                for (int i = 0; i < 2; i++) {
                    Tensor place = scope.rows(both, i, i + 1);
                    partial.backend().elementwise().copy(scope.view(values[i], Shape.of(1)), place);
                }
            }
            return both;
        }

        @Override
        public Map<String, Tensor> exportNetworkResult(Tensor result) {
            return Map.of("", result);
        }
    }

    private static double expected(
            CurvatureMatrix matrix, List<String> parameters, Results results, Model model, Batch batch) {
        double sum = 0;
        try (Linearization linearization = backpack.linearize(model, batch, matrix);
                TensorScope scope = backpack.backend().openScope()) {
            Map<String, Tensor> vectors = new LinkedHashMap<>();
            Map<String, Tensor> products = new LinkedHashMap<>();
            for (String name : parameters) {
                Tensor gradient = results.gradient(name);
                Shape one = gradient.shape().prepend(1);
                vectors.put(name, scope.view(gradient, one));
                Tensor product = scope.allocate(one, DType.FLOAT64);
                backpack.backend().elementwise().fill(product, 0);
                products.put(name, product);
            }
            linearization.multiply(matrix, 1, vectors, products);
            for (String name : parameters) {
                double[] vector = vectors.get(name).toDoubleArray();
                double[] product = products.get(name).toDoubleArray();
                for (int i = 0; i < vector.length; i++) {
                    sum += vector[i] * product[i];
                }
            }
        }
        return sum;
    }

    @ParameterizedTest
    @ValueSource(longs = {N, 2})
    void products_are_those_of_a_linearisation(long chunk) {
        for (CurvatureMatrix matrix : List.of(HESSIAN, GGN)) {
            Along along = new Along(matrix, matrix);
            try (Model model = model();
                    Batch batch = batch()) {
                for (List<String> parameters : List.of(model.parameters().trainable(), List.of("0.weight", "2.bias"))) {
                    Request<?> request = new Request<>(along, "along", parameters);
                    Plan plan = backpack.plan(
                            model,
                            batch,
                            List.of(request),
                            PassOptions.DEFAULT.chunk(chunk).memory(1 << 24));
                    long before = backpack.backend().memory().usedBytes();
                    backpack.backend().resetPeak();
                    try (Results results = plan.run(batch)) {
                        assertThat(backpack.backend().memory().peakBytes() - before)
                                .isEqualTo(plan.peakBytes());
                        double expected = expected(matrix, parameters, results, model, batch);
                        assertThat(expected).isNotZero();
                        assertThat(results.network(along).toDoubleArray())
                                .containsExactly(new double[] {expected, expected}, within(1e-14));
                        assertThat(results.tensors().get("*/along").toDoubleArray())
                                .isEqualTo(results.network(along).toDoubleArray());
                    }
                }
            }
        }
    }

    /** A module that counts how often it is evaluated. */
    private record Evaluated(Module module, AtomicInteger count) implements Module {

        @Override
        public ModuleDeclaration declare(List<Shape> inputs) {
            return module.declare(inputs);
        }

        @Override
        public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
            count.incrementAndGet();
            return module.evaluate(context, inputs, parameters);
        }
    }

    /** A batch that is taken as a whole is evaluated once, whoever multiplies: the products of results too. */
    @Test
    void the_forward_pass_is_shared() {
        AtomicInteger evaluations = new AtomicInteger();
        Graph graph = Graph.sequential(new Linear(3, 4), new Evaluated(new Tanh(), evaluations), new Linear(4, 2));
        var loss = new CrossEntropyLoss(LossReduction.MEAN);
        try (Model model = backpack.model(graph, loss, DType.FLOAT64, Shape.of(3));
                Batch batch = batch()) {
            model.parameters().initialize(3);
            List<Request<?>> requests = List.of(
                    Request.of(new Along(HESSIAN, HESSIAN)), backpack.catalog().request("HMP", Map.of()));
            Plan whole = backpack.plan(model, batch, requests, PassOptions.DEFAULT);
            evaluations.set(0);
            whole.run(batch).close();
            assertThat(evaluations).hasValue(1);
            Plan chunks = backpack.plan(model, batch, requests, PassOptions.DEFAULT.chunk(3));
            evaluations.set(0);
            chunks.run(batch).close();
            // Two chunks in two stages, and for each of two products.
            assertThat(evaluations).hasValue(8);
        }
    }

    @Test
    void other_matrices_and_sessions_are_refused() {
        try (Model model = model();
                Batch batch = batch()) {
            assertThatThrownBy(() -> backpack.plan(
                            model, batch, List.of(Request.of(new Along(HESSIAN, GGN))), PassOptions.DEFAULT))
                    .hasMessageContaining("Extension Along asked for products with")
                    .hasMessageContaining("which is not among its networkMatrices()");
            assertThatThrownBy(() ->
                            backpack.session(model, List.of(Request.of(new Along(GGN, GGN))), SessionOptions.DEFAULT))
                    .hasMessageContaining("Along makes products that need a linearised batch.");
        }
    }
}
