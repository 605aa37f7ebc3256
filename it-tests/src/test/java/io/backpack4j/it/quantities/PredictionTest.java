// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Cancellation;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.NanPolicy;
import io.backpack4j.kernel.PassListener;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Prediction;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.RunOptions;
import io.backpack4j.modules.conv.BatchNorm;
import io.backpack4j.modules.conv.Conv;
import io.backpack4j.modules.conv.MaxPool;
import io.backpack4j.modules.linear.Dropout;
import io.backpack4j.modules.linear.Flatten;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.ReLU;
import io.backpack4j.modules.linear.Sum;
import io.backpack4j.modules.linear.Tanh;
import io.backpack4j.modules.linear.loss.MSELoss;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Predictions are the outputs of passes, without what a pass needs beside. */
class PredictionTest {

    private static final int N = 9;
    private static final Shape IMAGE = Shape.of(2, 6, 6);

    /** Branches, a chain that is fused, and all that has a mode. */
    private static Graph graph() {
        return Graph.builder()
                .add("conv", Conv.of(2, 2, 3, 3))
                .add("norm", BatchNorm.of(2, 3, Mode.TRAIN))
                .add("relu", new ReLU())
                .add("pool", MaxPool.of(2, 2))
                .add("flat", new Flatten())
                .add("left", new Linear(12, 5), "flat")
                .add("tanh", new Tanh(), "left")
                .add("right", new Linear(12, 5), "flat")
                .add("both", new Sum(), "tanh", "right", "left")
                .add("drop", new Dropout(0.5), "both")
                .add("out", new Linear(5, 3))
                .build();
    }

    private static Batch inputs(BackPack backpack, DType dtype, Shape sample, int samples) {
        Shape shape = sample.prepend(samples);
        double[] values = new Random(5).doubles(shape.elements(), -1, 1).toArray();
        return backpack.batch(dtype).input(Graph.INPUT, shape, values).build();
    }

    private static Batch withTargets(BackPack backpack, DType dtype, Shape sample, int samples, int outputs) {
        Shape shape = sample.prepend(samples);
        double[] values = new Random(5).doubles(shape.elements(), -1, 1).toArray();
        return backpack.batch(dtype)
                .input(Graph.INPUT, shape, values)
                .targets(Shape.of(samples, outputs), new double[samples * outputs])
                .build();
    }

    private static void set(Model model) {
        model.parameters().initialize(8);
        model.parameters().set("norm.running_mean", new double[] {0.1, -0.2, 0.3});
        model.parameters().set("norm.running_var", new double[] {0.5, 2, 1});
    }

    private static double[] predicted(BackPack backpack, Model model, Batch batch, PassOptions options, long seed) {
        try (Prediction prediction = backpack.predict(model, batch, options, RunOptions.seed(seed))) {
            assertThat(prediction.output().shape().size(0)).isEqualTo(batch.samples());
            return prediction.output().toDoubleArray();
        }
    }

    private static double[] evaluated(BackPack backpack, Model model, Batch batch, PassOptions options, long seed) {
        try (Results results = backpack.plan(model, batch, List.of(), options.updateBuffers(false))
                .run(batch, seed)) {
            return results.output().toDoubleArray();
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_prediction_is_the_output_of_a_pass(Setting setting) {
        try (BackPack backpack = setting.open(1);
                Model model = backpack.model(graph(), setting.dtype(), IMAGE);
                Model withLoss = backpack.model(graph(), new MSELoss(), setting.dtype(), IMAGE);
                Batch batch = inputs(backpack, setting.dtype(), IMAGE, N);
                Batch targeted = withTargets(backpack, setting.dtype(), IMAGE, N, 3)) {
            set(model);
            set(withLoss);
            double[] expected = evaluated(backpack, withLoss, targeted, PassOptions.DEFAULT.mode(Mode.EVAL), 0);
            try (Prediction prediction = backpack.predict(model, batch)) {
                assertThat(prediction.output().toDoubleArray()).isEqualTo(expected);
            }
            assertThat(predicted(backpack, withLoss, targeted, PassOptions.DEFAULT, 3))
                    .isEqualTo(expected);
            for (long chunk = 1; chunk <= N; chunk++) {
                setting.assertClose(
                        "chunks of " + chunk,
                        predicted(backpack, model, batch, PassOptions.DEFAULT.chunk(chunk), 0),
                        expected);
            }
            PassOptions train = PassOptions.DEFAULT.mode(Mode.TRAIN);
            assertThat(predicted(backpack, model, batch, train, 4))
                    .isEqualTo(evaluated(backpack, withLoss, targeted, train, 4))
                    .isNotEqualTo(predicted(backpack, model, batch, train, 5))
                    .isNotEqualTo(expected);
            PassOptions dropping = PassOptions.DEFAULT.mode(Mode.TRAIN, "drop").chunk(4);
            setting.assertClose(
                    "dropout in chunks",
                    predicted(backpack, model, batch, dropping, 4),
                    evaluated(
                            backpack,
                            withLoss,
                            targeted,
                            dropping.mode(Mode.EVAL).chunk(N),
                            4));
            assertThat(model.parameters().get("norm.num_batches_tracked").toLongArray())
                    .containsExactly(0);
            assertThat(model.parameters().get("norm.running_mean").toDoubleArray()[2])
                    .isEqualTo(setting.dtype() == DType.FLOAT64 ? 0.3 : 0.3f);
        }
    }

    /** Twice as deep is not more memory. */
    @ParameterizedTest
    @EnumSource
    void a_deep_network_takes_two_activations(Setting setting) {
        int features = 64;
        int samples = 1024;
        long activation = (long) samples * features * setting.dtype().bytes();
        try (BackPack backpack = setting.open(1)) {
            for (int depth : new int[] {4, 40}) {
                List<Module> layers = new ArrayList<>();
                for (int layer = 0; layer < depth; layer++) {
                    layers.add(layer % 2 == 0 ? new Linear(features, features) : new Tanh());
                }
                Graph graph = Graph.sequential(layers.toArray(Module[]::new));
                Shape sample = Shape.of(features);
                try (Model model = backpack.model(graph, new MSELoss(), setting.dtype(), sample);
                        Batch batch = withTargets(backpack, setting.dtype(), sample, samples, features)) {
                    predicted(backpack, model, batch, PassOptions.DEFAULT, 0);
                    long ofPrediction = peak(backpack, () -> predicted(backpack, model, batch, PassOptions.DEFAULT, 0));
                    assertThat(ofPrediction).isBetween(2 * activation, 2 * activation + activation / 4);
                    long ofPass = peak(backpack, () -> evaluated(backpack, model, batch, PassOptions.DEFAULT, 0));
                    assertThat(ofPass).isGreaterThan((depth / 2) * activation);
                }
            }
        }
    }

    private static long peak(BackPack backpack, Runnable run) {
        long before = backpack.backend().memory().usedBytes();
        backpack.backend().resetPeak();
        run.run();
        return backpack.backend().memory().peakBytes() - before;
    }

    @Test
    void a_budget_makes_chunks() {
        Graph graph =
                Graph.sequential(new Linear(32, 512), new Tanh(), new Linear(512, 512), new Tanh(), new Linear(512, 2));
        Shape sample = Shape.of(32);
        try (BackPack backpack = Setting.FLOAT64.open(1);
                Model model = backpack.model(graph, DType.FLOAT64, sample);
                Batch batch = inputs(backpack, DType.FLOAT64, sample, 512)) {
            double[] whole = predicted(backpack, model, batch, PassOptions.DEFAULT, 0);
            List<Long> chunks = new ArrayList<>();
            RunOptions listening = RunOptions.seed(0).listener(new PassListener() {
                @Override
                public void chunk(int stage, long from, long to) {
                    chunks.add(to - from);
                }
            });
            long budget = 1 << 20;
            backpack.predict(model, batch, PassOptions.DEFAULT.memory(budget), listening)
                    .close();
            assertThat(chunks).hasSizeGreaterThan(3).allMatch(chunk -> chunk < 200);
            assertThat(chunks.stream().mapToLong(chunk -> chunk).sum()).isEqualTo(512);
            Setting.FLOAT64.assertClose(
                    "within a budget", predicted(backpack, model, batch, PassOptions.DEFAULT.memory(budget), 0), whole);
            assertThat(peak(backpack, () -> predicted(backpack, model, batch, PassOptions.DEFAULT.memory(budget), 0)))
                    .isLessThanOrEqualTo(budget);
            assertThatThrownBy(() -> predicted(backpack, model, batch, PassOptions.DEFAULT.memory(1000), 0))
                    .hasMessageStartingWith("[MemoryBudget]");
        }
    }

    @Test
    void batch_norms_in_train_mode_are_not_split() {
        try (BackPack backpack = Setting.FLOAT64.open(1);
                Model model = backpack.model(graph(), DType.FLOAT64, IMAGE);
                Batch batch = inputs(backpack, DType.FLOAT64, IMAGE, N)) {
            PassOptions train = PassOptions.DEFAULT.mode(Mode.TRAIN);
            assertThatThrownBy(() -> predicted(backpack, model, batch, train.chunk(2), 0))
                    .hasMessageStartingWith("[NotMergeable]");
            assertThatThrownBy(() -> predicted(backpack, model, batch, train.memory(1 << 12), 0))
                    .hasMessageStartingWith("[MemoryBudget]")
                    .hasMessageContaining("with 9 sample(s) at a time");
        }
    }

    @Test
    void what_needs_a_loss_or_targets_says_so() {
        try (BackPack backpack = Setting.FLOAT64.open(1);
                Model model = backpack.model(graph(), DType.FLOAT64, IMAGE);
                Model withLoss = backpack.model(graph(), new MSELoss(), DType.FLOAT64, IMAGE);
                Batch batch = inputs(backpack, DType.FLOAT64, IMAGE, N);
                Batch targeted = withTargets(backpack, DType.FLOAT64, IMAGE, N, 3)) {
            assertThat(model.hasLoss()).isFalse();
            assertThat(batch.hasTargets()).isFalse();
            assertThat(batch.samples()).isEqualTo(N);
            assertThatThrownBy(() -> backpack.compute(model, targeted)).hasMessageStartingWith("[MissingLoss]");
            assertThatThrownBy(() -> backpack.session(model)).hasMessageStartingWith("[MissingLoss]");
            assertThatThrownBy(() -> backpack.linearize(model, targeted)).hasMessageStartingWith("[MissingLoss]");
            assertThatThrownBy(() -> backpack.compute(withLoss, batch)).hasMessageStartingWith("[MissingTargets]");
            assertThatThrownBy(() -> backpack.linearize(withLoss, batch)).hasMessageStartingWith("[MissingTargets]");
            assertThatThrownBy(() -> backpack.batch(DType.FLOAT64)
                            .input("a", Shape.of(3, 1), new double[3])
                            .input("b", Shape.of(2, 1), new double[2])
                            .build())
                    .hasMessageContaining("'b' has shape [2, 1], that is 2 samples, but 'a' has 3.");
        }
    }

    @Test
    void numbers_that_are_not_finite_are_found() {
        Graph graph = Graph.sequential(new Linear(2, 2), new Tanh(), new Linear(2, 1));
        try (BackPack backpack = Setting.FLOAT32.open(1);
                Model model = backpack.model(graph, DType.FLOAT32, Shape.of(2));
                Batch batch = backpack.batch(DType.FLOAT32)
                        .input(Graph.INPUT, Shape.of(2, 2), new double[] {1, 1, 1e30, 1e30})
                        .sampleIds(5, 7)
                        .build()) {
            model.parameters().set("2.weight", new double[] {3e38, 3e38});
            model.parameters().set("0.weight", new double[] {1e10, 1e10, 1e10, 1e10});
            assertThatThrownBy(() -> predicted(backpack, model, batch, PassOptions.DEFAULT, 0))
                    .hasMessageStartingWith("[NotFinite] The output of node '0' (Linear)")
                    .hasMessageContaining("ids 7");
            double[] output = predicted(backpack, model, batch, PassOptions.DEFAULT.nan(NanPolicy.IGNORE), 0);
            assertThat(DoubleStream.of(output).allMatch(Double::isFinite)).isFalse();
            assertThat(backpack.backend().memory().openTensors()).isEqualTo(5);
        }
    }

    @Test
    void a_prediction_can_be_ended() {
        Graph graph = Graph.sequential(new Linear(2, 2), new Tanh(), new Linear(2, 1));
        try (BackPack backpack = Setting.FLOAT32.open(1);
                Model model = backpack.model(graph, DType.FLOAT32, Shape.of(2));
                Batch batch = inputs(backpack, DType.FLOAT32, Shape.of(2), 3)) {
            Cancellation cancellation = new Cancellation();
            List<String> nodes = new ArrayList<>();
            RunOptions options = RunOptions.seed(0).cancellation(cancellation).listener(new PassListener() {
                @Override
                public void forward(String node) {
                    nodes.add(node);
                    if (node.equals("1")) {
                        cancellation.cancel();
                    }
                }
            });
            long open = backpack.backend().memory().openTensors();
            assertThatThrownBy(() -> backpack.predict(model, batch, PassOptions.DEFAULT, options))
                    .hasMessageStartingWith("[Cancelled]");
            assertThat(nodes).containsExactly("0", "1");
            assertThat(backpack.backend().memory().openTensors()).isEqualTo(open);
        }
    }
}
