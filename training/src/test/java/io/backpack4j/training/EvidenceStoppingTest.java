// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.ext.firstorder.BatchGrad;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Request;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.Tanh;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.ArraySource;
import io.backpack4j.training.data.ClassWeights;
import io.backpack4j.training.data.HostTensor;
import io.backpack4j.training.files.CheckpointFolder;
import io.backpack4j.training.files.JsonLog;
import io.backpack4j.training.optimizer.SGD;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class EvidenceStoppingTest {

    private static final Pattern LOGGED = Pattern.compile("\"Evidence\":([-0-9.eE]+)");
    private static BackPack backpack;

    @TempDir
    private Path folder;

    @BeforeAll
    static void open() {
        backpack = BackPack.create();
    }

    @AfterAll
    static void close() {
        backpack.close();
    }

    private static Model model(LossReduction reduction) {
        Graph graph = Graph.sequential(new Linear(4, 5), new Tanh(), new Linear(5, 3));
        Model model = backpack.model(graph, new CrossEntropyLoss(reduction), DType.FLOAT64, Shape.of(4));
        model.parameters().initialize(2);
        return model;
    }

    private List<Double> logged(Path log) throws Exception {
        List<Double> values = new ArrayList<>();
        Matcher matcher = LOGGED.matcher(Files.readString(log));
        while (matcher.find()) {
            values.add(Double.valueOf(matcher.group(1)));
        }
        return values;
    }

    /** Classes that have nothing to do with the inputs. */
    private static ArraySource noise(int samples) {
        Random random = new Random(6);
        double[] inputs = random.doubles(4L * samples, -1, 1).toArray();
        long[] classes = random.longs(samples, 0, 3).toArray();
        return ArraySource.of(
                new HostTensor.Doubles(Shape.of(samples, 4), inputs), new HostTensor.Longs(Shape.of(samples), classes));
    }

    /** The formula, element by element, of single samples' gradients, which a mean has with the factor 1/N. */
    @ParameterizedTest
    @EnumSource(LossReduction.class)
    void the_criterion_is_that_of_single_gradients(LossReduction reduction) throws Exception {
        Path log = folder.resolve("run.jsonl");
        List<Double> expected = new ArrayList<>();
        BatchGrad single = new BatchGrad();
        try (Model model = model(reduction)) {
            Trainer.builder(backpack, model)
                    .optimizer(new SGD(1e-3))
                    .batch(7)
                    .request(Request.of(single))
                    .log(new JsonLog(log, "toy"))
                    .listener(new EvidenceStopping(100, 2))
                    .listener(new TrainingListener() {
                        @Override
                        public void onTrainingBatch(TrainingStep step) {
                            int samples = (int) step.batch().samples();
                            double sum = 0;
                            long elements = 0;
                            for (String name : step.training().parameters()) {
                                double[] all = step.results().get(single, name).toDoubleArray();
                                int width = all.length / samples;
                                for (int j = 0; j < width; j++) {
                                    double mean = 0;
                                    double variance = 0;
                                    double factor = reduction == LossReduction.MEAN ? samples : 1;
                                    for (int n = 0; n < samples; n++) {
                                        mean += factor * all[n * width + j] / samples;
                                    }
                                    for (int n = 0; n < samples; n++) {
                                        variance += Math.pow(factor * all[n * width + j] - mean, 2) / (samples - 1);
                                    }
                                    sum += mean * mean / (variance + 1e-5);
                                }
                                elements += width;
                            }
                            expected.add(1 - samples * sum / elements);
                        }
                    })
                    .build()
                    .fit(Toys.points(20, 4));
        }
        List<Double> values = logged(log);
        assertThat(values).hasSize(3);
        for (int step = 0; step < 3; step++) {
            assertThat(values.get(step)).isCloseTo(expected.get(step), within(1e-9));
        }
    }

    @Test
    void a_run_ends_where_gradients_are_noise_and_not_where_they_are_not() {
        try (Model noisy = model(LossReduction.MEAN);
                Model learns = model(LossReduction.MEAN)) {
            Trainer.Builder builder = Trainer.builder(backpack, noisy)
                    .optimizer(new SGD(0.1))
                    .epochs(100)
                    .batch(32)
                    .evidenceStopping(2);
            TrainingResult result = builder.build().fit(noise(320));
            assertThat(result.stopped().orElseThrow()).contains("evidence").contains("2 windows");
            assertThat(result.steps()).isLessThan(1000).isGreaterThanOrEqualTo(20);
            assertThat(result.steps() % 10).isZero();

            TrainingResult whole = Trainer.builder(backpack, learns)
                    .optimizer(new SGD(0.1))
                    .epochs(2)
                    .batch(200)
                    .evidenceStopping(1)
                    .build()
                    .fit(Toys.points(200, 4));
            assertThat(whole.stopped()).isEmpty();
        }
    }

    @Test
    void a_resumed_run_ends_at_the_same_step() {
        TrainingResult whole = run("whole", false, 1000);
        run("parts", false, 13);
        TrainingResult resumed = run("parts", true, 1000);
        assertThat(resumed.steps()).isEqualTo(whole.steps());
        assertThat(resumed.stopped()).isEqualTo(whole.stopped());
    }

    private TrainingResult run(String name, boolean resumes, long steps) {
        try (Model model = model(LossReduction.MEAN)) {
            return Trainer.builder(backpack, model)
                    .optimizer(new SGD(0.1))
                    .epochs(100)
                    .maxSteps(steps)
                    .batch(32)
                    .evidenceStopping(2)
                    .checkpoints(new CheckpointFolder(folder.resolve(name), 1))
                    .resume(resumes)
                    .build()
                    .fit(noise(320));
        }
    }

    @Test
    void batches_of_one_sample_are_refused() {
        try (Model model = model(LossReduction.MEAN)) {
            Trainer trainer = Trainer.builder(backpack, model)
                    .optimizer(new SGD(0.1))
                    .batch(1)
                    .evidenceStopping(1)
                    .build();
            assertThatThrownBy(() -> trainer.fit(Toys.points(5, 4)))
                    .isInstanceOf(BackpackException.class)
                    .hasMessageContaining("Take larger batches");
        }
    }

    @Test
    void balanced_weights_make_classes_count_alike() {
        ArraySource data = ArraySource.of(
                new HostTensor.Doubles(Shape.of(6, 1), new double[6]),
                new HostTensor.Longs(Shape.of(6), new long[] {0, 2, 0, -100, 0, 2}));
        // 5 targets of 2 classes: 5 / (2 · 3) and 5 / (2 · 2)
        assertThat(ClassWeights.balanced(data, 4)).containsExactly(5 / 6.0, 1.0, 1.25, 1.0);
        assertThatThrownBy(() -> ClassWeights.balanced(data, 2))
                .isInstanceOf(BackpackException.class)
                .hasMessageContaining("class 2, but there are 2");
    }
}
