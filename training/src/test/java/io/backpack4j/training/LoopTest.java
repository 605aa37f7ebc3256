// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.ext.firstorder.BatchL2Grad;
import io.backpack4j.ext.firstorder.Variance;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Cancellation;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.ArraySource;
import io.backpack4j.training.data.BatchData;
import io.backpack4j.training.data.DataProblems;
import io.backpack4j.training.data.DataSource;
import io.backpack4j.training.data.HostTensor;
import io.backpack4j.training.data.SampledBatches;
import io.backpack4j.training.data.Subset;
import io.backpack4j.training.files.JsonLog;
import io.backpack4j.training.metric.Accuracy;
import io.backpack4j.training.optimizer.Adam;
import io.backpack4j.training.optimizer.SGD;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LoopTest {

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

    private static double[] weights(Model model) {
        return model.parameters().get("2.weight").toDoubleArray();
    }

    @Test
    void microBatchesGiveTheBigBatch() {
        List<double[]> trained = new ArrayList<>();
        List<double[]> norms = new ArrayList<>();
        for (int micro : new int[] {16, 5, 1}) {
            try (Model model = Toys.classifier(backpack, DType.FLOAT64)) {
                BatchL2Grad extension = new BatchL2Grad();
                Trainer.builder(backpack, model)
                        .optimizer(new Adam(0.01))
                        .epochs(2)
                        .batch(16)
                        .microBatch(micro)
                        .request(Request.of(extension))
                        .listener(new TrainingListener() {
                            @Override
                            public void onTrainingBatch(TrainingStep step) {
                                norms.add(step.results()
                                        .get(extension, "0.weight")
                                        .toDoubleArray());
                            }
                        })
                        .build()
                        .fit(Toys.points(48, 3));
                trained.add(weights(model));
            }
        }
        assertThat(trained.get(1)).containsExactly(trained.get(0), within(1e-12));
        assertThat(trained.get(2)).containsExactly(trained.get(0), within(1e-12));
        for (int step = 0; step < 6; step++) {
            assertThat(norms.get(6 + step)).containsExactly(norms.get(step), within(1e-12));
        }
    }

    @Test
    void listenersShareOnePassAndSeeParametersBeforeAndAfter() {
        List<String> events = new ArrayList<>();
        Variance all = new Variance();
        try (Model model = Toys.classifier(backpack, DType.FLOAT64)) {
            double[] first = weights(model);
            TrainingListener asksForSome = new TrainingListener() {
                @Override
                public void prepare(PassPreparation pass) {
                    pass.request(Request.of(all).only("0.*"));
                }

                @Override
                public void onTrainingBatch(TrainingStep step) {
                    events.add("batch " + step.number());
                    assertThat(weights(model)).isEqualTo(first);
                    assertThat(step.results().get(all, "0.bias").shape()).isEqualTo(Shape.of(5));
                    assertThat(step.results().get(all, "2.bias").shape()).isEqualTo(Shape.of(3));
                }

                @Override
                public void onStepped(TrainingStep step) {
                    events.add("stepped " + step.number());
                    double[] gradient = step.results().gradient("2.weight").toDoubleArray();
                    double[] moved = weights(model);
                    for (int i = 0; i < moved.length; i++) {
                        assertThat(moved[i]).isCloseTo(first[i] - 0.5 * gradient[i], within(1e-14));
                    }
                }
            };
            TrainingListener asksForOthers = new TrainingListener() {
                @Override
                public void prepare(PassPreparation pass) {
                    pass.request(Request.of(all).only("2.*"));
                    pass.request(Request.of(new BatchL2Grad()).as("variance"));
                }
            };
            Trainer.builder(backpack, model)
                    .optimizer(new SGD(0.5))
                    .batch(16)
                    .maxSteps(1)
                    .listener(asksForSome)
                    .listener(asksForOthers)
                    .build()
                    .fit(Toys.points(48, 3));
        }
        assertThat(events).containsExactly("batch 0", "stepped 0");
    }

    /** A sample whose loss is too large for float32, though its output is not. */
    @Test
    void whatIsNotFiniteIsReportedAfterItsLine() throws IOException {
        float[] inputs = new float[2 * 12];
        inputs[2 * 9] = 1e30f;
        Path log = folder.resolve("run.jsonl");
        List<double[]> weights = new ArrayList<>();
        try (Model model = Toys.line(backpack, DType.FLOAT32)) {
            TrainingListener keeps = new TrainingListener() {
                @Override
                public void onTrainingBatch(TrainingStep step) {
                    weights.add(model.parameters().get("0.bias").toDoubleArray());
                }
            };
            var data = ArraySource.of(
                    new HostTensor.Floats(Shape.of(12, 2), inputs),
                    new HostTensor.Floats(Shape.of(12, 1), new float[12]));
            assertThatThrownBy(() -> Trainer.builder(backpack, model)
                            .optimizer(new SGD(0.1))
                            .batch(4)
                            .shuffle(false)
                            .log(new JsonLog(log, "toy"))
                            .listener(keeps)
                            .build()
                            .fit(data))
                    .isInstanceOf(BackpackException.class)
                    .hasMessageStartingWith("[Diverged] Step 2, in epoch 1, ")
                    .hasMessageContaining("loss")
                    .hasMessageContaining("(ids 9)");
            assertThat(model.parameters().get("0.bias").toDoubleArray()).isEqualTo(weights.get(2));
        }
        assertThat(Files.readAllLines(log))
                .hasSize(4)
                .last()
                .isEqualTo("{\"step\":2,\"values\":{\"Loss\":{\"missing\":\"Infinity\"}}}");
    }

    @Test
    void trainingEndsWhenValidationDoesNotBecomeBetter() {
        try (Model model = Toys.classifier(backpack, DType.FLOAT32)) {
            TrainingResult result = Trainer.builder(backpack, model)
                    .optimizer(new SGD(0))
                    .epochs(50)
                    .metric(new Accuracy())
                    .monitor("valid_accuracy")
                    .validation(Toys.points(30, 1))
                    .earlyStopping(3)
                    .build()
                    .fit(Toys.points(32, 2));
            assertThat(result.epochs()).hasSize(4);
            assertThat(result.stopped()).hasValue("not better for 3 validations");
        }
    }

    @Test
    void anUnknownMetricIsNamed() {
        try (Model model = Toys.classifier(backpack, DType.FLOAT32)) {
            assertThatThrownBy(() -> Trainer.builder(backpack, model)
                            .optimizer(new SGD(0))
                            .monitor("valid_f1")
                            .build()
                            .fit(Toys.points(32, 2)))
                    .hasMessageStartingWith("[UnknownMetric] 'valid_f1'")
                    .hasMessageContaining("train_loss");
        }
    }

    @Test
    void aCancelledRunEnds() {
        Cancellation cancellation = new Cancellation();
        try (Model model = Toys.classifier(backpack, DType.FLOAT32)) {
            TrainingResult result = Trainer.builder(backpack, model)
                    .optimizer(new SGD(0.1))
                    .epochs(1000)
                    .cancellation(cancellation)
                    .listener(new TrainingListener() {
                        @Override
                        public void onStepped(TrainingStep step) {
                            if (step.number() == 4) {
                                cancellation.cancel();
                            }
                        }
                    })
                    .build()
                    .fit(Toys.points(64, 2));
            assertThat(result.steps()).isEqualTo(5);
            assertThat(result.stopped()).hasValue("cancelled");
        }
    }

    /** The validation's loss is that of all samples as one batch, whatever the batches. */
    @Test
    void validationIsThatOfOneBatch() {
        try (Model model = Toys.classifier(backpack, DType.FLOAT64)) {
            var held = Toys.points(37, 6);
            Validator validator = new Validator(backpack, model, PassOptions.DEFAULT, List.of(new Accuracy()));
            var parts = validator.validate(new SampledBatches(held, 5, false, false, 0));
            var whole = validator.validate(new SampledBatches(held, 37, false, false, 0));
            assertThat(parts.get("valid_loss")).isCloseTo(whole.get("valid_loss"), within(1e-13));
            assertThat(parts.get("valid_accuracy")).isEqualTo(whole.get("valid_accuracy"));
            try (var batch = held.read(new long[] {0, 1, 2}, 1).upload(backpack, DType.FLOAT64);
                    var results = backpack.compute(model, batch)) {
                var three = validator.validate(new SampledBatches(new Subset(held, 0, 3), 3, false, false, 0));
                assertThat(three.get("valid_loss")).isCloseTo(results.loss(), within(1e-14));
            }
        }
    }

    @Test
    void aSampleThatCannotBeReadEndsTheRunWithItsOwnMessage() {
        DataSource broken = new DataSource() {
            @Override
            public long samples() {
                return 64;
            }

            @Override
            public BatchData read(long[] numbers, long epoch) {
                throw new BackpackException(DataProblems.BAD_SAMPLE, "Row 7 of 'x.csv' is bad.");
            }
        };
        try (Model model = Toys.classifier(backpack, DType.FLOAT32)) {
            assertThatThrownBy(() -> Trainer.builder(backpack, model)
                            .optimizer(new SGD(0.1))
                            .build()
                            .fit(broken))
                    .hasMessage("[BadSample] Row 7 of 'x.csv' is bad.");
        }
    }

    @Test
    void nothingLeaks() {
        try (Model model = Toys.classifier(backpack, DType.FLOAT32)) {
            model.parameters().get("0.weight");
            var data = Toys.points(64, 2);
            run(model, data);
            long used = backpack.backend().memory().usedBytes();
            run(model, data);
            assertThat(backpack.backend().memory().usedBytes()).isEqualTo(used);
        }
    }

    private static void run(Model model, DataSource data) {
        Trainer.builder(backpack, model)
                .optimizer(new Adam(0.01))
                .clipNorm(1)
                .averaging(0.9)
                .validation(new ArraySource(data.read(new long[] {1, 2, 3}, 1)))
                .build()
                .fit(data);
    }

    @Test
    void orderDependsOnSeedAndEpochOnly() {
        var points = new ArraySource(new BatchData(
                Map.of("input", new HostTensor.Floats(Shape.of(10, 1), new float[10])),
                new HostTensor.Longs(Shape.of(10), new long[10]),
                new long[] {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
        var batches = new SampledBatches(points, 4, true, false, 5);
        var again = new SampledBatches(points, 4, true, false, 5);
        long[] last = again.read(3, 2).ids();
        List<Long> seen = new ArrayList<>();
        for (int number = 0; number < 3; number++) {
            Arrays.stream(batches.read(3, number).ids()).forEach(seen::add);
        }
        assertThat(seen).hasSize(10).doesNotHaveDuplicates();
        assertThat(last).containsExactly(seen.get(8), seen.get(9));
        assertThat(batches.read(4, 0).ids()).isNotEqualTo(batches.read(3, 0).ids());
        assertThat(new SampledBatches(points, 4, true, true, 5).perEpoch()).isEqualTo(2);
    }
}
