// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.cockpit.log.RunLog;
import io.backpack4j.cockpit.quantity.Value;
import io.backpack4j.formats.ModelFile;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is told of the samples that a network trains on. */
class DataQuantitiesTest {

    private static BackPack backpack;

    @TempDir
    Path folder;

    @BeforeAll
    static void load() {
        backpack = BackPack.create();
    }

    @AfterAll
    static void close() {
        backpack.close();
    }

    private static void track(Cockpit cockpit, Model model, long step, Batch batch) {
        try (batch) {
            StepRequest request = cockpit.request(step, batch);
            try (Results results = request.run(backpack, model, batch)) {
                cockpit.track(step, results);
                cockpit.stepped(step);
            }
        }
    }

    @Test
    void classes_of_all_samples_so_far_are_counted_also_where_it_is_not_due() {
        TrainingRun run = new TrainingRun(backpack, DType.FLOAT64, 0.1);
        Path path = folder.resolve("run.jsonl");
        long[][] targets = {{0, 0, 1}, {2, 0, 0}, {0, 1, -100}};
        Path state = folder.resolve("state.safetensors");
        try (Model model = run.model()) {
            try (Cockpit cockpit = Cockpit.builder(backpack, model)
                    .quantities("ClassBalance(schedule=linear(interval=2))")
                    .log(path)
                    .open()) {
                for (int step = 0; step < 2; step++) {
                    track(
                            cockpit,
                            model,
                            step,
                            backpack.batch(DType.FLOAT64, new float[24], Shape.of(3, 8), targets[step]));
                }
                cockpit.save(state);
            }
            try (Cockpit cockpit = Cockpit.builder(backpack, model)
                    .quantities("ClassBalance(schedule=linear(interval=2))")
                    .log(path)
                    .resume(2, state)
                    .open()) {
                track(cockpit, model, 2, backpack.batch(DType.FLOAT64, new float[24], Shape.of(3, 8), targets[2]));
            }
        }
        RunLog log = Cockpit.load(path);
        assertThat(number(log, 0, "ClassBalance")).isCloseTo(entropy(2, 1) / Math.log(3), within(1e-12));
        assertThat(log.value(1, "ClassBalance")).isEmpty();
        assertThat(number(log, 2, "ClassBalance")).isCloseTo(entropy(5, 2, 1) / Math.log(3), within(1e-12));
        Map<?, ?> details = (Map<?, ?>) log.details().get(2L).get("ClassBalance");
        assertThat(details.toString()).contains("samples=8", "classes=3", "most={class=0, share=0.625}", "class=2");
    }

    private static double entropy(double... counts) {
        double sum = Arrays.stream(counts).sum();
        return -Arrays.stream(counts)
                .map(count -> count / sum * Math.log(count / sum))
                .sum();
    }

    private static double number(RunLog log, long step, String label) {
        return log.value(step, label).orElseThrow().number().orElseThrow();
    }

    @Test
    void a_single_output_has_two_classes_and_numbers_have_none() {
        for (String loss : new String[] {"BCEWithLogitsLoss", "MSELoss"}) {
            String json = """
                    {"nodes": [{"name": "0", "type": "Linear", "in_features": 2, "out_features": 1, "inputs": ["input"]}],
                    "output": "0", "loss": {"type": "%s", "reduction": "mean"}}""".formatted(loss);
            Path path = folder.resolve(loss + ".jsonl");
            try (Model model = backpack.model(ModelFile.parse(json, loss), DType.FLOAT64, Shape.of(2));
                    Cockpit cockpit = Cockpit.builder(backpack, model)
                            .quantities("ClassBalance")
                            .log(path)
                            .open()) {
                track(
                        cockpit,
                        model,
                        0,
                        backpack.batch(DType.FLOAT64)
                                .input("input", Shape.of(4, 2), new double[8])
                                .targets(Shape.of(4, 1), new double[] {0, 1, 1, 1})
                                .sampleIds(0, 1, 2, 3)
                                .build());
            }
            Value value = Cockpit.load(path).value(0, "ClassBalance").orElseThrow();
            if (loss.equals("MSELoss")) {
                assertThat(value).isEqualTo(new Value.Missing("the targets are no classes"));
            } else {
                assertThat(value.number().orElseThrow()).isCloseTo(entropy(3, 1) / Math.log(2), within(1e-12));
            }
        }
    }

    @Test
    void the_scale_of_inputs_is_that_of_loops() {
        TrainingRun run = new TrainingRun(backpack, DType.FLOAT64, 0.1);
        Path path = folder.resolve("run.jsonl");
        int samples = 6;
        float[] inputs = new float[samples * 8];
        Random random = new Random(3);
        double[] squares = new double[8];
        double sum = 0;
        double total = 0;
        for (int i = 0; i < inputs.length; i++) {
            inputs[i] = i % 8 == 7 ? 0 : (float) (random.nextGaussian() * (i % 8 + 1) + 2);
            squares[i % 8] += (double) inputs[i] * inputs[i];
            sum += inputs[i];
            total += (double) inputs[i] * inputs[i];
        }
        try (Model model = run.model();
                Cockpit cockpit = Cockpit.builder(backpack, model)
                        .quantities("InputScale")
                        .log(path)
                        .open()) {
            track(cockpit, model, 0, backpack.batch(DType.FLOAT64, inputs, Shape.of(samples, 8), new long[samples]));
        }
        RunLog log = Cockpit.load(path);
        double mean = sum / inputs.length;
        assertThat(number(log, 0, "InputScale")).isCloseTo(Math.sqrt(total / inputs.length), within(1e-12));
        Map<?, ?> details = (Map<?, ?>) log.details().get(0L).get("InputScale");
        double[] present =
                Arrays.stream(squares).filter(each -> each > 0).sorted().toArray();
        assertThat(present).hasSize(7);
        assertThat((Double) details.get("mean")).isCloseTo(mean, within(1e-12));
        assertThat((Double) details.get("deviation"))
                .isCloseTo(Math.sqrt(total / inputs.length - mean * mean), within(1e-12));
        assertThat((Double) details.get("spread")).isCloseTo(Math.sqrt(present[6] / present[3]), within(1e-12));
    }
}
