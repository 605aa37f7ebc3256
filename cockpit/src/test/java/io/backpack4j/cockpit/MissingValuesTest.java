// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.cockpit.log.RunLog;
import io.backpack4j.cockpit.quantity.Value;
import io.backpack4j.formats.ModelFile;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What cannot be computed is missing with its reason, and never a wrong number. */
class MissingValuesTest {

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

    private static String reason(RunLog log, long step, String label) {
        return log.value(step, label).orElseThrow() instanceof Value.Missing missing ? missing.reason() : "not missing";
    }

    private static double number(RunLog log, long step, String label) {
        return log.value(step, label).orElseThrow().number().orElseThrow();
    }

    @Test
    void what_cannot_be_computed_is_missing_with_a_reason() {
        TrainingRun run = new TrainingRun(backpack, DType.FLOAT64, 0);
        Path path = folder.resolve("run.jsonl");
        try (Model model = run.model();
                Cockpit cockpit = Cockpit.builder(backpack, model)
                        .quantities("Alpha,NormTest,InnerTest,OrthoTest,EarlyStopping,NoiseScale,CABS")
                        .log(path)
                        .open()) {
            run.run(model, cockpit, 3, 1, step -> {});
        }
        RunLog log = Cockpit.load(path);
        for (String label : List.of("NormTest", "InnerTest", "OrthoTest", "EarlyStopping", "NoiseScale")) {
            assertThat(reason(log, 0, label)).as(label).contains("one sample");
        }
        assertThat(number(log, 0, "Alpha")).as("a step of length zero").isEqualTo(-1);
    }

    @Test
    void a_zero_gradient_is_missing_and_not_nan() {
        Path path = folder.resolve("run.jsonl");
        try (Model model = backpack.model(ModelFile.parse(TrainingRun.MODEL, "m"), DType.FLOAT64, Shape.of(8))) {
            model.parameters().initialize(1);
            model.parameters().set("2.weight", new double[36]);
            float[] inputs = new float[6 * 8];
            try (Batch batch = backpack.batch(DType.FLOAT64, inputs, Shape.of(6, 8), new long[] {0, 1, 2, 0, 1, 2});
                    Cockpit cockpit = Cockpit.builder(backpack, model)
                            .quantities("NormTest(parameters=[0.*]),GradNorm,NoiseScale(parameters=[0.*]),MeanGSNR")
                            .log(path)
                            .open()) {
                StepRequest request = cockpit.request(0, batch);
                try (Results results = request.run(backpack, model, batch)) {
                    cockpit.track(0, results);
                }
            }
        }
        RunLog log = Cockpit.load(path);
        assertThat(reason(log, 0, "NormTest")).contains("zero");
        assertThat(reason(log, 0, "NoiseScale")).contains("not positive");
    }

    @Test
    void numbers_that_are_not_finite_pass_and_are_told_with_layers_and_raise_an_alarm() {
        Path path = folder.resolve("run.jsonl");
        TrainingRun run = new TrainingRun(backpack, DType.FLOAT64, 0.1);
        try (Model model = run.model();
                Cockpit cockpit = Cockpit.builder(backpack, model)
                        .quantities("economy,HessMaxEV")
                        .log(path)
                        .open()) {
            run.run(model, cockpit, 4, 8, step -> {
                if (step == 1) {
                    model.parameters().get("0.weight").write(0, new double[] {Double.NaN}, 0, 1);
                }
            });
            assertThat(cockpit.alarms())
                    .anySatisfy(alarm -> assertThat(alarm.message()).contains("GradNorm", "0.weight"));
            assertThat(cockpit.alarms())
                    .anySatisfy(alarm -> assertThat(alarm.message()).contains("Samples: [0, 1"));
        }
        RunLog log = Cockpit.load(path);
        assertThat(reason(log, 2, "Loss")).contains("NaN");
        Value.Histogram histogram = (Value.Histogram) log.value(2, "GradHist1d").orElseThrow();
        long inBins = histogram.counts().stream().mapToLong(Long::longValue).sum();
        long nan = ((Number) ((Map<?, ?>) log.details().get(2L).get("GradHist1d")).get("nan")).longValue();
        assertThat(inBins + nan).isEqualTo(8 * (8 * 12 + 12 + 12 * 3 + 3));
    }

    @Test
    void what_a_network_cannot_give_is_told_once_or_refused_if_it_was_named() {
        TrainingRun run = new TrainingRun(backpack, DType.FLOAT64, 0.1);
        String tied = """
                {"nodes": [{"name": "0", "type": "Linear", "in_features": 8, "out_features": 8, "inputs": ["input"]},
                {"name": "1", "type": "Tanh", "inputs": ["0"]},
                {"name": "2", "type": "Linear", "in_features": 8, "out_features": 8, "inputs": ["1"], "tie": {"weight": "0.weight"}}],
                "output": "2", "loss": {"type": "CrossEntropyLoss", "reduction": "mean"}}""";
        Path path = folder.resolve("run.jsonl");
        try (Model model = backpack.model(ModelFile.parse(tied, "tied"), DType.FLOAT64, Shape.of(8));
                Batch batch = run.batch(0, 6)) {
            try (Cockpit cockpit = Cockpit.builder(backpack, model)
                    .quantities("business")
                    .log(path)
                    .open()) {
                StepRequest request = cockpit.request(0, batch);
                try (Results results = request.run(backpack, model, batch)) {
                    cockpit.track(0, results);
                }
                assertThat(cockpit.unavailable()).containsOnlyKeys("TICDiag", "HessTrace");
            }
            RunLog log = Cockpit.load(path);
            assertThat(reason(log, 0, "HessTrace")).contains("0.weight");
            assertThat(number(log, 0, "NormTest")).isPositive();
            try (Cockpit cockpit = Cockpit.builder(backpack, model)
                    .quantities("Loss,HessTrace")
                    .open()) {
                assertThatThrownBy(() -> cockpit.request(0, batch))
                        .isInstanceOf(BackpackException.class)
                        .hasMessageContaining("UnavailableQuantity")
                        .hasMessageContaining("0.weight");
            }
        }
    }

    /** Nothing on this class path makes eigenvalues of the Gauss-Newton matrix. */
    @Test
    void a_quantity_whose_extensions_no_jar_brings_is_refused_by_their_names() {
        TrainingRun run = new TrainingRun(backpack, DType.FLOAT64, 0.1);
        try (Model model = run.model();
                Batch batch = run.batch(0, 4);
                Cockpit cockpit = Cockpit.builder(backpack, model)
                        .quantities("Loss,CurvatureNoise(top=2)")
                        .open()) {
            assertThatThrownBy(() -> cockpit.request(0, batch))
                    .isInstanceOf(BackpackException.class)
                    .hasMessageContaining("CurvatureNoise")
                    .hasMessageContaining("GgnEigenvalues");
        }
    }
}
