// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.ext.firstorder.BatchGrad;
import io.backpack4j.ext.secondorder.GGNMP;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.BatchStatistics;
import io.backpack4j.kernel.Cancellation;
import io.backpack4j.kernel.Frozen;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Linearization;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassListener;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.RunOptions;
import io.backpack4j.kernel.Session;
import io.backpack4j.kernel.SessionOptions;
import io.backpack4j.modules.conv.BatchNorm;
import io.backpack4j.modules.linear.Dropout;
import io.backpack4j.modules.linear.Flatten;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.Tanh;
import io.backpack4j.modules.linear.loss.MSELoss;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.extension.TensorExtension;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.testkit.Randomness;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.DoubleStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The mode of a pass, and what a pass in train mode makes of buffers. The oracle of running statistics are loops over
 * the numbers.
 */
class TrainingModeTest {

    private static final int CHANNELS = 3;
    private static final int POSITIONS = 2;
    private static final Shape SAMPLE = Shape.of(CHANNELS, POSITIONS);
    private static final List<String> BUFFERS = List.of("running_mean", "running_var", "num_batches_tracked");
    private static final long SEED = Randomness.seed(1);

    private static Module norm(@Nullable Double momentum, Mode mode) {
        return new BatchNorm(1, CHANNELS, 1e-5, momentum, true, true, mode);
    }

    /** A batch norm of the inputs, and one of what is made of them. */
    private static Graph graph(@Nullable Double momentum, Mode mode) {
        return Graph.builder()
                .add("first", norm(momentum, mode))
                .add("tanh", new Tanh())
                .add("second", norm(momentum, mode))
                .add("flat", new Flatten())
                .add("line", new Linear(CHANNELS * POSITIONS, 2))
                .build();
    }

    private static Model model(BackPack backpack, DType dtype, Graph graph) {
        return backpack.model(graph, new MSELoss(), dtype, SAMPLE);
    }

    private static double[] drawn(Random random, int count) {
        return DoubleStream.generate(() -> 3 + 2 * random.nextGaussian())
                .limit(count)
                .toArray();
    }

    private static Batch batch(BackPack backpack, DType dtype, double... inputs) {
        int samples = inputs.length / (CHANNELS * POSITIONS);
        return backpack.batch(dtype)
                .input(Graph.INPUT, SAMPLE.prepend(samples), inputs)
                .targets(Shape.of(samples, 2), new double[2 * samples])
                .build();
    }

    private static double[] inputs(long seed, int samples) {
        return drawn(new Random(SEED + seed), samples * CHANNELS * POSITIONS);
    }

    private static SortedMap<String, double[]> buffers(Model model, String node) {
        SortedMap<String, double[]> buffers = new TreeMap<>();
        for (String buffer : BUFFERS) {
            buffers.put(buffer, model.parameters().get(node + "." + buffer).toDoubleArray());
        }
        return buffers;
    }

    private static String text(Model model, String node) {
        StringBuilder text = new StringBuilder();
        buffers(model, node)
                .forEach((name, values) ->
                        text.append(name).append(Arrays.toString(values)).append(' '));
        return text.toString();
    }

    /** PyTorch's buffers of one batch norm, number by number. */
    private static final class RunningStatistics {

        private final double[] mean = new double[CHANNELS];
        private final double[] variance = {1, 1, 1};
        private final @Nullable Double momentum;
        private int batches;

        RunningStatistics(@Nullable Double momentum) {
            this.momentum = momentum;
        }

        /** @param inputs {@code [N, C, S]} */
        void add(double... inputs) {
            batches++;
            double part = momentum == null ? 1.0 / batches : momentum;
            int count = inputs.length / CHANNELS;
            for (int channel = 0; channel < CHANNELS; channel++) {
                double sum = 0;
                for (int i = 0; i < inputs.length; i++) {
                    sum += i / POSITIONS % CHANNELS == channel ? inputs[i] : 0;
                }
                double squares = 0;
                for (int i = 0; i < inputs.length; i++) {
                    double deviation = inputs[i] - sum / count;
                    squares += i / POSITIONS % CHANNELS == channel ? deviation * deviation : 0;
                }
                mean[channel] = (1 - part) * mean[channel] + part * (sum / count);
                variance[channel] = (1 - part) * variance[channel] + part * (squares / (count - 1));
            }
        }

        /** What the layer makes of a batch in train mode, with the variance's divisor M, and weight 1 and bias 0. */
        static double[] normalised(double... inputs) {
            double[] result = new double[inputs.length];
            RunningStatistics moments = new RunningStatistics(1.0);
            moments.add(inputs);
            int count = inputs.length / CHANNELS;
            for (int i = 0; i < inputs.length; i++) {
                int channel = i / POSITIONS % CHANNELS;
                double biased = moments.variance[channel] * (count - 1) / count;
                result[i] = (inputs[i] - moments.mean[channel]) / Math.sqrt(biased + 1e-5);
            }
            return result;
        }

        void check(Setting setting, String what, SortedMap<String, double[]> buffers) {
            setting.assertClose(what + ": mean", buffers.get("running_mean"), mean);
            setting.assertClose(what + ": variance", buffers.get("running_var"), variance);
            assertThat(buffers.get("num_batches_tracked")).containsExactly(batches);
        }
    }

    @ParameterizedTest
    @EnumSource
    void buffers_follow_their_definition_over_several_steps(Setting setting) {
        System.out.println("Batches of -Dbackpack.test.seed=" + SEED);
        try (BackPack backpack = setting.open(1)) {
            for (@Nullable Double momentum : new @Nullable Double[] {0.1, 0.7, null, 0.0, 1.0}) {
                RunningStatistics first = new RunningStatistics(momentum);
                RunningStatistics second = new RunningStatistics(momentum);
                try (Model model = model(backpack, setting.dtype(), graph(momentum, Mode.TRAIN))) {
                    for (int step = 0; step < 4; step++) {
                        double[] inputs = inputs(step, 3 + step);
                        try (Batch batch = batch(backpack, setting.dtype(), inputs);
                                Results results = backpack.compute(model, batch)) {
                            first.add(inputs);
                            second.add(Arrays.stream(RunningStatistics.normalised(inputs))
                                    .map(Math::tanh)
                                    .toArray());
                            String what = "momentum %s, step %d".formatted(momentum, step);
                            first.check(setting, what, buffers(model, "first"));
                            second.check(setting, what, buffers(model, "second"));
                            assertThat(results.statistics()).isEqualTo(BatchStatistics.DIFFERENTIATED);
                        }
                    }
                }
            }
            assertThat(backpack.backend().memory().openTensors()).isZero();
        }
    }

    /** Walks a batch twice. */
    private record TwoWalks() implements TensorExtension {

        @Override
        public String resultName() {
            return "two_walks";
        }

        @Override
        public int stages() {
            return 2;
        }

        @Override
        public void declare(int stage, SiteDeclaration site) {
            site.accumulate("sum" + stage, new LossGradient(), new Contraction.SumOfSquares());
        }

        @Override
        public Tensor finish(SitePartial partial) {
            return partial.scope().view(partial.tensor("sum2"), partial.shape());
        }
    }

    @Test
    void a_pass_updates_once_however_often_it_walks() {
        double[] inputs = inputs(0, 5);
        RunningStatistics expected = new RunningStatistics(0.1);
        expected.add(inputs);
        List<Request<?>> requests =
                List.of(Request.of(new TwoWalks()), Request.of(new GGNMP()), Request.of(new BatchGrad()));
        PassOptions constant = PassOptions.DEFAULT.statistics(BatchStatistics.CONSTANT);
        try (BackPack backpack = Setting.FLOAT64.open(1)) {
            for (PassOptions options : List.of(constant, constant.memory(1 << 24), constant.block(1))) {
                try (Model model = model(backpack, DType.FLOAT64, graph(0.1, Mode.TRAIN));
                        Batch batch = batch(backpack, DType.FLOAT64, inputs)) {
                    Plan plan = backpack.plan(model, batch, requests, options);
                    assertThat(buffers(model, "first").get("num_batches_tracked"))
                            .containsExactly(0);
                    plan.run(batch).close();
                    expected.check(Setting.FLOAT64, options.toString(), buffers(model, "first"));
                    plan.run(batch).close();
                    assertThat(buffers(model, "second").get("num_batches_tracked"))
                            .containsExactly(2);
                }
            }
            assertThat(backpack.backend().memory().openTensors()).isZero();
        }
    }

    @Test
    void what_is_no_successful_pass_updates_nothing() {
        try (BackPack backpack = Setting.FLOAT64.open(1);
                Model model = model(backpack, DType.FLOAT64, graph(0.1, Mode.TRAIN));
                Batch batch = batch(backpack, DType.FLOAT64, inputs(0, 5))) {
            String before = text(model, "first") + text(model, "second");
            Consumer<String> check = what -> assertThat(text(model, "first") + text(model, "second"))
                    .as(what)
                    .isEqualTo(before);
            backpack.compute(model, batch, List.of(), PassOptions.DEFAULT.updateBuffers(false))
                    .close();
            check.accept("a probe");
            backpack.compute(model, batch, List.of(), PassOptions.DEFAULT.mode(Mode.EVAL))
                    .close();
            check.accept("eval mode");
            Plan plan = backpack.plan(model, batch, List.of(), PassOptions.DEFAULT.memory(1 << 24));
            check.accept("a plan");
            Cancellation cancellation = new Cancellation();
            RunOptions cancelled = RunOptions.seed(0).cancellation(cancellation).listener(new PassListener() {
                @Override
                public void backward(String node, String signal) {
                    cancellation.cancel();
                }
            });
            assertThatThrownBy(() -> plan.run(batch, cancelled)).hasMessageStartingWith("[Cancelled]");
            check.accept("a cancelled pass");
            try (Linearization linearization = backpack.linearize(model, batch, new CurvatureMatrix.GaussNewton())) {
                assertThat(linearization.parameters()).isNotEmpty();
            }
            check.accept("a linearisation");
            Tensor bias = model.parameters().get("line.bias");
            bias.write(0, new double[] {Double.POSITIVE_INFINITY}, 0, 1);
            assertThatThrownBy(() -> plan.run(batch)).hasMessageStartingWith("[NotFinite]");
            check.accept("a pass that fails at its end");
            bias.write(0, new double[] {0}, 0, 1);
            plan.run(batch).close();
            assertThat(text(model, "first")).isNotEqualTo(before);
        }
    }

    @Test
    void nodes_that_share_buffers_update_them_in_turn() {
        Graph graph = Graph.builder()
                .add("first", norm(0.25, Mode.TRAIN))
                .add("tanh", new Tanh())
                .add(new Graph.Node(
                        "second",
                        norm(0.25, Mode.TRAIN),
                        List.of(),
                        Frozen.NONE,
                        Map.of(
                                "weight", "first.weight",
                                "bias", "first.bias",
                                "running_mean", "first.running_mean",
                                "running_var", "first.running_var",
                                "num_batches_tracked", "first.num_batches_tracked")))
                .add("flat", new Flatten())
                .add("line", new Linear(CHANNELS * POSITIONS, 2))
                .build();
        double[] inputs = inputs(3, 4);
        RunningStatistics expected = new RunningStatistics(0.25);
        expected.add(inputs);
        expected.add(Arrays.stream(RunningStatistics.normalised(inputs))
                .map(Math::tanh)
                .toArray());
        try (BackPack backpack = Setting.FLOAT64.open(1);
                Model model = model(backpack, DType.FLOAT64, graph);
                Batch batch = batch(backpack, DType.FLOAT64, inputs)) {
            backpack.compute(model, batch).close();
            expected.check(Setting.FLOAT64, "shared", buffers(model, "first"));
        }
    }

    private static SortedMap<String, String> results(
            BackPack backpack, Model model, Batch batch, PassOptions options, Request<?>... requests) {
        SortedMap<String, String> all = new TreeMap<>();
        try (Results results =
                backpack.plan(model, batch, List.of(requests), options).run(batch, 5)) {
            results.tensors().forEach((name, tensor) -> all.put(name, Arrays.toString(tensor.toDoubleArray())));
        }
        return all;
    }

    private static void setDistinct(Model model) {
        model.parameters().initialize(4);
        model.parameters().set("first.running_mean", new double[] {1, 2, 3});
        model.parameters().set("second.running_var", new double[] {0.5, 0.25, 2});
    }

    /** Whatever the nodes say. */
    @ParameterizedTest
    @EnumSource
    void the_mode_of_a_pass_overrides_that_of_the_nodes(Mode said) {
        try (BackPack backpack = Setting.FLOAT64.open(1);
                Model model = model(backpack, DType.FLOAT64, graph(0.1, said));
                Model eval = model(backpack, DType.FLOAT64, graph(0.1, Mode.EVAL));
                Model train = model(backpack, DType.FLOAT64, graph(0.1, Mode.TRAIN));
                Batch batch = batch(backpack, DType.FLOAT64, inputs(1, 4))) {
            List.of(model, eval, train).forEach(TrainingModeTest::setDistinct);
            PassOptions probe = PassOptions.DEFAULT.updateBuffers(false);
            var single = Request.of(new BatchGrad());
            assertThat(results(backpack, model, batch, probe.mode(Mode.EVAL), single))
                    .isEqualTo(results(backpack, eval, batch, probe, single));
            assertThat(results(backpack, model, batch, probe.mode(Mode.TRAIN)))
                    .isEqualTo(results(backpack, train, batch, probe))
                    .isNotEqualTo(results(backpack, eval, batch, probe));
            assertThat(results(backpack, model, batch, probe))
                    .isEqualTo(results(backpack, said == Mode.EVAL ? eval : train, batch, probe));
            assertThat(backpack.plan(model, batch, List.of(), probe.mode(Mode.EVAL)))
                    .isSameAs(backpack.plan(model, batch, List.of(), probe.mode(Mode.EVAL)))
                    .isNotSameAs(backpack.plan(model, batch, List.of(), probe.mode(Mode.TRAIN)));
        }
    }

    @Test
    void patterns_set_single_nodes() {
        Graph frozen = Graph.builder()
                .add("first", norm(0.1, Mode.TRAIN))
                .add("tanh", new Tanh())
                .add("second", norm(0.1, Mode.EVAL))
                .add("flat", new Flatten())
                .add("line", new Linear(CHANNELS * POSITIONS, 2))
                .build();
        try (BackPack backpack = Setting.FLOAT64.open(1);
                Model model = model(backpack, DType.FLOAT64, graph(0.1, Mode.TRAIN));
                Model written = model(backpack, DType.FLOAT64, frozen);
                Batch batch = batch(backpack, DType.FLOAT64, inputs(1, 4))) {
            setDistinct(model);
            setDistinct(written);
            List<PassOptions> same = List.of(
                    PassOptions.DEFAULT.mode(Mode.EVAL, "sec*"),
                    PassOptions.DEFAULT.mode(Mode.EVAL, "sec*").mode(Mode.TRAIN),
                    PassOptions.DEFAULT.mode(Mode.EVAL).mode(Mode.TRAIN, "f?rst"),
                    PassOptions.DEFAULT.mode(Mode.EVAL, "*").mode(Mode.TRAIN, "first", "tanh"));
            String second = text(model, "second");
            for (PassOptions options : same) {
                assertThat(results(backpack, model, batch, options))
                        .isEqualTo(results(backpack, written, batch, PassOptions.DEFAULT));
                assertThat(text(model, "first")).isEqualTo(text(written, "first"));
                assertThat(text(model, "second")).isEqualTo(second);
            }
            assertThat(buffers(model, "first").get("num_batches_tracked")).containsExactly(same.size());
            assertThatThrownBy(
                            () -> backpack.plan(model, batch, List.of(), PassOptions.DEFAULT.mode(Mode.EVAL, "third*")))
                    .hasMessage("[NoNodes] The mode EVAL is for nodes 'third*', but no node matches. Nodes: [first,"
                            + " tanh, second, flat, line].");
        }
    }

    @Test
    void dropout_has_a_mode_too() {
        Graph graph = Graph.sequential(new Dropout(0.5), new Flatten(), new Linear(CHANNELS * POSITIONS, 2));
        try (BackPack backpack = Setting.FLOAT64.open(1);
                Model model = model(backpack, DType.FLOAT64, graph);
                Model none = model(
                        backpack,
                        DType.FLOAT64,
                        Graph.sequential(
                                new Dropout(0.5, Mode.EVAL), new Flatten(), new Linear(CHANNELS * POSITIONS, 2)));
                Batch batch = batch(backpack, DType.FLOAT64, inputs(1, 4))) {
            assertThat(results(backpack, model, batch, PassOptions.DEFAULT.mode(Mode.EVAL)))
                    .isEqualTo(results(backpack, none, batch, PassOptions.DEFAULT))
                    .isNotEqualTo(results(backpack, model, batch, PassOptions.DEFAULT));
            assertThat(results(backpack, none, batch, PassOptions.DEFAULT.mode(Mode.TRAIN)))
                    .isEqualTo(results(backpack, model, batch, PassOptions.DEFAULT));
        }
    }

    @Test
    void a_batch_that_is_normalised_is_not_split() {
        try (BackPack backpack = Setting.FLOAT64.open(1);
                Model model = model(backpack, DType.FLOAT64, graph(0.1, Mode.TRAIN));
                Batch batch = batch(backpack, DType.FLOAT64, inputs(1, 60))) {
            for (BatchStatistics statistics : BatchStatistics.values()) {
                PassOptions options = PassOptions.DEFAULT.statistics(statistics);
                assertThat(backpack.plan(model, batch, List.of(), options.memory(1 << 24))
                                .chunkSamples())
                        .isEqualTo(60);
                assertThatThrownBy(() -> backpack.plan(model, batch, List.of(), options.memory(1 << 13)))
                        .hasMessageStartingWith("[MemoryBudget]")
                        .hasMessageContaining("with 60 sample(s) at a time");
                assertThatThrownBy(() -> backpack.plan(model, batch, List.of(), options.chunk(7)))
                        .hasMessageStartingWith("[NotMergeable]");
                assertThatThrownBy(() -> backpack.session(model, List.of(), SessionOptions.DEFAULT.pass(options)))
                        .hasMessageContaining("[CoupledSamples] node 'first'");
            }
            assertThat(backpack.plan(
                                    model,
                                    batch,
                                    List.of(),
                                    PassOptions.DEFAULT.mode(Mode.EVAL).memory(1 << 13))
                            .chunkSamples())
                    .isLessThan(60);
        }
    }

    @Test
    void a_session_in_eval_mode_adds_batches() {
        try (BackPack backpack = Setting.FLOAT64.open(1);
                Model model = model(backpack, DType.FLOAT64, graph(0.1, Mode.TRAIN));
                Batch batch = batch(backpack, DType.FLOAT64, inputs(1, 6))) {
            setDistinct(model);
            PassOptions eval = PassOptions.DEFAULT.mode(Mode.EVAL);
            try (Session session = backpack.session(model, List.of(), SessionOptions.DEFAULT.pass(eval))) {
                session.add(batch);
                assertThat(session.state().properties().get("model"))
                        .contains("mode=EVAL")
                        .doesNotContain("mode=TRAIN", "num_batches");
                try (Results results = session.results()) {
                    Setting.FLOAT64.assertClose(
                            "gradient",
                            results.gradient("line.weight").toDoubleArray(),
                            gradient(backpack, model, batch, eval));
                }
            }
        }
    }

    private static double[] gradient(BackPack backpack, Model model, Batch batch, PassOptions options) {
        try (Results results = backpack.compute(model, batch, List.of(), options)) {
            return results.gradient("line.weight").toDoubleArray();
        }
    }

    /** A network in eval mode whose buffers are this batch's statistics is the same function, sample by sample. */
    @ParameterizedTest
    @EnumSource
    void constant_statistics_are_those_of_an_eval_network_with_this_batchs(Setting setting) {
        double[] inputs = inputs(7, 6);
        try (Passes passes = new Passes(setting, 1);
                Model model = model(passes.backpack(), setting.dtype(), graph(0.1, Mode.TRAIN));
                Model eval = model(passes.backpack(), setting.dtype(), graph(0.1, Mode.EVAL));
                Batch batch = batch(passes.backpack(), setting.dtype(), inputs)) {
            BackPack backpack = passes.backpack();
            model.parameters().initialize(4);
            eval.parameters().initialize(4);
            setBiased(eval, "first", inputs);
            setBiased(
                    eval,
                    "second",
                    Arrays.stream(RunningStatistics.normalised(inputs))
                            .map(Math::tanh)
                            .toArray());
            List<Request<?>> requests = new ArrayList<>(passes.firstOrder());
            for (String type : List.of("DiagGGNExact", "BatchDiagGGNExact", "DiagHessian", "KFAC", "KFLR")) {
                requests.add(passes.request(type, Map.of()));
            }
            assertThatThrownBy(() -> backpack.plan(model, batch, requests, PassOptions.DEFAULT))
                    .hasMessageContaining("[CoupledSamples] BatchGrad")
                    .hasMessageContaining("--statistics constant");
            Plan plan = backpack.plan(model, batch, requests, PassOptions.DEFAULT.statistics(BatchStatistics.CONSTANT));
            assertThat(plan.statistics()).isEqualTo(BatchStatistics.CONSTANT);
            Plan expected = backpack.plan(eval, batch, requests, PassOptions.DEFAULT);
            assertThat(expected.statistics()).isEqualTo(BatchStatistics.DIFFERENTIATED);
            try (Results results = plan.run(batch, 3);
                    Results ofEval = expected.run(batch, 3);
                    Results train = backpack.compute(model, batch)) {
                assertThat(results.statistics()).isEqualTo(BatchStatistics.CONSTANT);
                assertThat(results.tensors().keySet()).hasSizeGreaterThan(50);
                Map<String, double[]> values = new TreeMap<>();
                Map<String, double[]> expectedValues = new TreeMap<>();
                results.tensors().forEach((name, tensor) -> values.put(name, tensor.toDoubleArray()));
                ofEval.tensors().forEach((name, tensor) -> expectedValues.put(name, tensor.toDoubleArray()));
                setting.assertClose("constant statistics", values, expectedValues);
                assertThat(results.output().toDoubleArray())
                        .isEqualTo(train.output().toDoubleArray());
                assertThat(results.gradient("first.weight").toDoubleArray())
                        .as("the gradient is another")
                        .isNotEqualTo(train.gradient("first.weight").toDoubleArray());
            }
        }
    }

    private static void setBiased(Model eval, String node, double... inputs) {
        RunningStatistics moments = new RunningStatistics(1.0);
        moments.add(inputs);
        double count = (double) inputs.length / CHANNELS;
        eval.parameters().set(node + ".running_mean", moments.mean);
        eval.parameters()
                .set(
                        node + ".running_var",
                        Arrays.stream(moments.variance)
                                .map(value -> value * (count - 1) / count)
                                .toArray());
    }

    @Test
    void counters_hold_integers() {
        try (BackPack backpack = Setting.FLOAT32.open(1);
                Model model = model(backpack, DType.FLOAT32, graph(0.1, Mode.TRAIN))) {
            Tensor counter = model.parameters().get("first.num_batches_tracked");
            assertThat(counter.dtype()).isEqualTo(DType.INT64);
            assertThat(counter.shape()).isEqualTo(Shape.of());
            model.parameters().set("first.num_batches_tracked", new double[] {1L << 40});
            assertThat(counter.toLongArray()).containsExactly(1L << 40);
            assertThatThrownBy(() -> model.parameters().set("first.num_batches_tracked", new double[] {0.5}))
                    .hasMessageContaining("'first.num_batches_tracked' holds integers, but was given 0.5");
            model.parameters().initialize(3);
            assertThat(counter.toLongArray()).containsExactly(0);
        }
    }
}
