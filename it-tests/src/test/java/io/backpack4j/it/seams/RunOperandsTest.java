// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.NanPolicy;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.RunOperands;
import io.backpack4j.kernel.RunOptions;
import io.backpack4j.kernel.Session;
import io.backpack4j.kernel.SessionOptions;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.Tanh;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.NetworkPartial;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.extension.SiteVisit;
import io.backpack4j.spi.extension.TensorExtension;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.MergeRule;
import io.backpack4j.spi.module.Operand;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.LongStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Operands that a run brings: what sees them, what is refused, and those that are made of the gradient. */
class RunOperandsTest {

    private static final int N = 5;
    private static final int K = 2;

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

    /** Dots, weighted sums and a scale that its finish, its fold and its visits see. */
    private record Operated(boolean weighted) implements Extension<Map<String, Tensor>> {

        @Override
        public String resultName() {
            return "operated";
        }

        @Override
        public Map<String, Shape> networkOperands() {
            return Map.of("scale", Shape.of());
        }

        @Override
        public void declare(int stage, SiteDeclaration site) {
            Operand vectors = site.operand("vectors", site.shape().prepend(K));
            site.accumulate("dots", new LossGradient(), new Contraction.Dot(vectors, K));
            if (weighted) {
                Operand weights = site.operand("weights", Shape.of(K, 1, site.samples()));
                site.accumulate("sums", new LossGradient(), new Contraction.WeightedSum(weights, K));
            }
            site.accumulate("rows", new LossGradient(), new Contraction.PerSample());
            site.partial("visited", new LossGradient(), MergeRule.SUM, Shape.of(), 0);
        }

        @Override
        public void extract(int stage, SiteVisit visit) {
            double scale = visit.operand("scale").shape().rank() == 0 ? 1 : 0;
            double vectors = visit.operand("vectors").shape().size(0) == K ? 1 : 0;
            Tensor one = visit.scope().allocate(Shape.of(), DType.FLOAT64);
            visit.backend()
                    .elementwise()
                    .fill(one, scale * vectors * visit.block().samples() * visit.normaliser());
            visit.backend().elementwise().addScaled(1, one, visit.partial("visited"));
        }

        @Override
        public Map<String, Tensor> fold(int stage, NetworkPartial partial) {
            Tensor copy = partial.scope().allocate(Shape.of(), partial.dtype());
            partial.backend().elementwise().copy(partial.operand("scale"), copy);
            return Map.of("scale", copy);
        }

        @Override
        public Map<String, Tensor> finish(SitePartial partial) {
            Map<String, Tensor> results = new LinkedHashMap<>();
            for (String name : weighted ? List.of("dots", "sums", "rows", "visited") : List.of("dots", "rows")) {
                results.put(name, partial.tensor(name));
            }
            assertThat(partial.operand("vectors").shape())
                    .isEqualTo(partial.shape().prepend(K));
            return results;
        }

        @Override
        public Map<String, Tensor> export(Map<String, Tensor> result) {
            return result;
        }

        @Override
        public Map<String, Tensor> exportNetwork(Map<String, Tensor> folded) {
            return folded;
        }
    }

    private static RunOperands operands(TensorScope scope, Model model, boolean weighted, double scale) {
        Random random = new Random(9);
        RunOperands operands = RunOperands.NONE.with("scale", upload(scope, Shape.of(), scale));
        for (String parameter : model.parameters().trainable()) {
            Shape shape = model.parameters().spec(parameter).shape().prepend(K);
            double[] vectors = random.doubles(shape.elements(), -1, 1).toArray();
            operands = operands.with("vectors", parameter, upload(scope, shape, vectors));
            if (weighted) {
                double[] weights = random.doubles(K * N, -1, 1).toArray();
                operands = operands.with("weights", parameter, upload(scope, Shape.of(K, 1, N), weights));
            }
        }
        return operands;
    }

    private static Tensor upload(TensorScope scope, Shape shape, double... values) {
        return backpack.backend().upload(scope, shape, DType.FLOAT64, values);
    }

    private static Map<String, double[]> arrays(Results results) {
        Map<String, double[]> arrays = new TreeMap<>();
        results.tensors().forEach((name, tensor) -> arrays.put(name, tensor.toDoubleArray()));
        return arrays;
    }

    @ParameterizedTest
    @ValueSource(longs = {N, 2})
    void dots_weighted_sums_visits_folds_and_finishes_see_them(long chunk) {
        List<Request<?>> requests = List.of(Request.of(new Operated(true)));
        try (Model model = model();
                Batch batch = batch();
                TensorScope scope = backpack.backend().openScope()) {
            RunOperands operands = operands(scope, model, true, 2.5);
            Plan plan = backpack.plan(model, batch, requests, PassOptions.DEFAULT.chunk(chunk));
            try (Results results = plan.run(batch, RunOptions.seed(0).operands(operands))) {
                Map<String, double[]> arrays = arrays(results);
                assertThat(arrays.get("*/operated/scale")).containsExactly(2.5);
                for (String parameter : model.parameters().trainable()) {
                    String name = parameter + "/operated/";
                    double[] rows = arrays.get(name + "rows");
                    double[] vectors =
                            operands.tensors().get("vectors").get(parameter).toDoubleArray();
                    double[] weights =
                            operands.tensors().get("weights").get(parameter).toDoubleArray();
                    int elements = rows.length / N;
                    double[] dots = new double[K * N];
                    double[] sums = new double[K * elements];
                    for (int k = 0; k < K; k++) {
                        for (int n = 0; n < N; n++) {
                            for (int p = 0; p < elements; p++) {
                                dots[k * N + n] += vectors[k * elements + p] * rows[n * elements + p];
                                sums[k * elements + p] += weights[k * N + n] * rows[n * elements + p];
                            }
                        }
                    }
                    assertThat(arrays.get(name + "dots")).containsExactly(dots, within(1e-14));
                    assertThat(arrays.get(name + "sums")).containsExactly(sums, within(1e-14));
                    // N samples times the factor of the mean.
                    assertThat(arrays.get(name + "visited")).containsExactly(new double[] {1}, within(1e-14));
                }
            }
        }
    }

    @Test
    void everything_that_is_missing_surplus_or_ill_shaped_is_said_before_the_pass() {
        List<Request<?>> requests = List.of(Request.of(new Operated(false)));
        try (Model model = model();
                Batch batch = batch();
                TensorScope scope = backpack.backend().openScope()) {
            Plan plan = backpack.plan(model, batch, requests, PassOptions.DEFAULT);
            Tensor closed = upload(scope, Shape.of(K, 2), 1, 2, 3, 4);
            closed.close();
            Tensor single = backpack.backend().upload(scope, Shape.of(K, 4), DType.FLOAT32, new double[K * 4]);
            RunOperands operands = RunOperands.NONE
                    .with("vectors", "0.weight", upload(scope, Shape.of(4, 3), new double[12]))
                    .with("vectors", "0.bias", single)
                    .with("vectors", "2.bias", closed)
                    .with("vector", "2.weight", upload(scope, Shape.of(K, 2, 4), new double[16]));
            RunOptions run = RunOptions.seed(0).operands(operands);
            assertThatThrownBy(() -> plan.run(batch, run))
                    .isInstanceOfSatisfying(
                            BackpackException.class,
                            e -> assertThat(e.problems().stream()
                                            .map(problem -> "[%s] %s".formatted(problem.id(), problem.message())))
                                    .containsExactlyInAnyOrder(
                                            "[MissingOperand] The run brings no operand 'scale' of the network, which has shape []. Add it to RunOptions.operands, in a session to Session.add, in a data file as 'operand/scale/*'.",
                                            "[WrongType] Operand 'vectors' of parameter '0.bias' has type FLOAT32, but must have the model's, FLOAT64.",
                                            "[ShapeMismatch] Operand 'vectors' of parameter '0.weight' has shape [4, 3], but was declared with [2, 4, 3].",
                                            "[ClosedTensor] Operand 'vectors' of parameter '2.bias' was closed. Keep it open until the run has ended.",
                                            "[MissingOperand] The run brings no operand 'vectors' of parameter '2.weight', which has shape [2, 2, 4]. Add it to RunOptions.operands, in a session to Session.add, in a data file as 'operand/vectors/2.weight'.",
                                            "[UnknownOperand] The run brings an operand 'vector' of parameter '2.weight', which no extension of the pass declares. Declared: scale/*, vectors/0.bias, vectors/0.weight, vectors/2.bias, vectors/2.weight. Leave it out."));
            Session session = backpack.session(model, requests, SessionOptions.DEFAULT);
            assertThatThrownBy(() -> session.add(batch)).hasMessageContaining("no operand 'scale' of the network");
            session.add(batch, operands(scope, model, false, 1));
            assertThat(session.samples()).isEqualTo(N);
            session.close();
        }
    }

    @Test
    void numbers_that_are_not_finite_are_refused_by_name_unless_passes_track_them() {
        List<Request<?>> requests = List.of(Request.of(new Operated(false)));
        try (Model model = model();
                Batch batch = batch();
                TensorScope scope = backpack.backend().openScope();
                Session session = backpack.session(model, requests, SessionOptions.DEFAULT)) {
            RunOperands operands = operands(scope, model, false, Double.NaN);
            Tensor vectors = operands.tensors().get("vectors").get("0.weight");
            vectors.write(5, new double[] {Double.NEGATIVE_INFINITY}, 0, 1);
            RunOptions run = RunOptions.seed(0).operands(operands);
            Plan plan = backpack.plan(model, batch, requests, PassOptions.DEFAULT);
            List<ThrowingCallable> refused = List.of(() -> plan.run(batch, run), () -> session.add(batch, operands));
            for (ThrowingCallable call : refused) {
                assertThatThrownBy(call)
                        .isInstanceOfSatisfying(
                                BackpackException.class,
                                e -> assertThat(e.problems().stream()
                                                .map(problem -> "[%s] %s".formatted(problem.id(), problem.message())))
                                        .containsExactly(
                                                "[NotFinite] Operand 'scale' of the network is NaN at []. Bring finite numbers, or take what they give with NanPolicy.IGNORE.",
                                                "[NotFinite] Operand 'vectors' of parameter '0.weight' is -Infinity at [0, 1, 2]. Bring finite numbers, or take what they give with NanPolicy.IGNORE."));
            }
            PassOptions tracking = PassOptions.DEFAULT.nan(NanPolicy.IGNORE);
            try (Results results =
                    backpack.plan(model, batch, requests, tracking).run(batch, run)) {
                assertThat(results.tensors().get("*/operated/scale").item()).isNaN();
            }
        }
    }

    @Test
    void weights_of_samples_do_not_merge() {
        try (Model model = model()) {
            assertThatThrownBy(() ->
                            backpack.session(model, List.of(Request.of(new Operated(true))), SessionOptions.DEFAULT))
                    .hasMessageContaining(
                            "Operated contracts with an operand that has a weight per sample, which is of one batch.");
        }
    }

    /** Declares an operand that clashes with that of others. */
    private record Clashing(String name, Shape shape, Map<String, Shape> networkOperands)
            implements Extension<Map<String, Tensor>> {

        @Override
        public String resultName() {
            return "clashing";
        }

        @Override
        public void declare(int stage, SiteDeclaration site) {
            site.operand(name, shape);
            site.accumulate("sum", new LossGradient(), new Contraction.Sum());
        }

        @Override
        public Map<String, Tensor> finish(SitePartial partial) {
            return Map.of();
        }

        @Override
        public Map<String, Tensor> export(Map<String, Tensor> result) {
            return result;
        }
    }

    @Test
    void operands_of_one_name_must_be_one() {
        try (Model model = model();
                Batch batch = batch()) {
            var clashing = new Clashing("vectors", Shape.of(3), Map.of("vectors", Shape.of(), "a/b", Shape.of()));
            List<Request<?>> requests = List.of(Request.of(new Operated(false)), Request.of(clashing));
            assertThatThrownBy(() -> backpack.plan(model, batch, requests, PassOptions.DEFAULT))
                    .hasMessageContaining(
                            "Clashing declares operand 'vectors' of parameter '2.bias' with shape [3], and another extension with [2, 2]. Rename one.")
                    .hasMessageContaining("Operand 'vectors' is declared of the network and of parameters. Rename one.")
                    .hasMessageContaining(
                            "Clashing declares an operand 'a/b', but names of operands are not empty and have no slash.");
        }
    }

    /** ⟨u, g_n⟩ for a u that comes after the first stage. */
    private record LateDots() implements Extension<Tensor> {

        @Override
        public String resultName() {
            return "late";
        }

        @Override
        public int stages() {
            return 2;
        }

        @Override
        public void declare(int stage, SiteDeclaration site) {
            if (stage == 1) {
                site.accumulate("rows", new LossGradient(), new Contraction.PerSample());
            } else {
                Operand direction = site.operand("direction", site.shape().prepend(1));
                site.accumulate("dots", new LossGradient(), new Contraction.Dot(direction, 1));
            }
        }

        @Override
        public Tensor finish(SitePartial partial) {
            return partial.tensor("dots");
        }

        @Override
        public Map<String, Tensor> export(Tensor result) {
            return Map.of("", result);
        }
    }

    /** Inner products have vectors in front of samples, and batches of a session differ in size. */
    @Test
    void sessions_put_dots_of_unequal_batches_one_behind_the_other() {
        List<Request<?>> requests = List.of(Request.of(new Dots()));
        try (Model model = model();
                TensorScope scope = backpack.backend().openScope();
                Session session = backpack.session(model, requests, SessionOptions.DEFAULT)) {
            RunOperands operands = RunOperands.NONE;
            Random random = new Random(5);
            for (String parameter : model.parameters().trainable()) {
                Shape shape = model.parameters().get(parameter).shape().prepend(K);
                double[] numbers = random.doubles(shape.elements(), -1, 1).toArray();
                operands = operands.with(
                        "directions", parameter, backpack.backend().upload(scope, shape, DType.FLOAT64, numbers));
            }
            try (Batch whole = part(0, N);
                    Batch first = part(0, 3);
                    Batch second = part(3, N);
                    Results once = backpack.plan(model, whole, requests, PassOptions.DEFAULT)
                            .run(whole, RunOptions.seed(0).operands(operands))) {
                session.add(first, operands);
                session.add(second, operands);
                try (Results merged = session.results()) {
                    for (String parameter : model.parameters().trainable()) {
                        Tensor dots = merged.get(new Dots(), parameter);
                        assertThat(dots.shape()).isEqualTo(Shape.of(K, 1, N));
                        assertThat(dots.toDoubleArray())
                                .containsExactly(once.get(new Dots(), parameter).toDoubleArray(), within(1e-14));
                    }
                }
            }
        }
    }

    private static Batch part(int from, int to) {
        double[] inputs = new Random(4).doubles(N * 3, -1, 1).toArray();
        return backpack.batch(DType.FLOAT64)
                .input(Graph.INPUT, Shape.of(to - from, 3), Arrays.copyOfRange(inputs, 3 * from, 3 * to))
                .targets(Shape.of(to - from), Arrays.copyOfRange(new long[] {0, 1, 1, 0, 1}, from, to))
                .sampleIds(LongStream.range(from, to).toArray())
                .build();
    }

    /** ⟨u_k, g_n⟩ for vectors that the run brings. */
    private record Dots() implements TensorExtension {

        @Override
        public String resultName() {
            return "dots";
        }

        @Override
        public void declare(int stage, SiteDeclaration site) {
            Operand directions = site.operand("directions", site.shape().prepend(K));
            site.accumulate("dots", new LossGradient(), new Contraction.Dot(directions, K));
        }

        @Override
        public Tensor finish(SitePartial partial) {
            return partial.tensor("dots");
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {N, 2})
    void operands_may_be_made_of_the_gradient_between_two_stages(long chunk) {
        List<Request<?>> requests = List.of(Request.of(new LateDots()), Request.of(new Operated(false)));
        try (Model model = model();
                Batch batch = batch();
                TensorScope given = backpack.backend().openScope()) {
            Plan plan = backpack.plan(model, batch, requests, PassOptions.DEFAULT.chunk(chunk));
            RunOptions early = RunOptions.seed(0).operands(operands(given, model, false, 1));
            RunOptions run = early.operandsAfterGradient((gradients, scope) -> {
                RunOperands directions = RunOperands.NONE;
                for (Map.Entry<String, Tensor> gradient : gradients.entrySet()) {
                    Tensor direction =
                            scope.allocate(gradient.getValue().shape().prepend(1), DType.FLOAT64);
                    Tensor flat = scope.view(direction, gradient.getValue().shape());
                    backpack.backend().elementwise().affine(gradient.getValue(), -2, 0, flat);
                    directions = directions.with("direction", gradient.getKey(), direction);
                }
                return directions;
            });
            try (Results results = plan.run(batch, run)) {
                Map<String, double[]> arrays = arrays(results);
                for (String parameter : model.parameters().trainable()) {
                    double[] gradient = arrays.get(parameter + "/grad");
                    double[] rows = arrays.get(parameter + "/operated/rows");
                    double[] dots = new double[N];
                    for (int i = 0; i < rows.length; i++) {
                        dots[i / gradient.length] += -2 * gradient[i % gradient.length] * rows[i];
                    }
                    assertThat(arrays.get(parameter + "/late")).containsExactly(dots, within(1e-14));
                }
            }
            assertThatThrownBy(() -> plan.run(batch, early))
                    .hasMessageContaining("The run brings no operand 'direction' of parameter '0.bias'");
            RunOptions forgetful = early.operandsAfterGradient((gradients, scope) -> RunOperands.NONE);
            assertThatThrownBy(() -> plan.run(batch, forgetful))
                    .hasMessageContaining("The run brings no operand 'direction' of parameter '0.bias'");
        }
    }
}
