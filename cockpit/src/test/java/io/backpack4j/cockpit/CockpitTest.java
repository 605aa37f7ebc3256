// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.cockpit.alarm.AlarmOptions;
import io.backpack4j.cockpit.log.RunLog;
import io.backpack4j.cockpit.page.CockpitPage;
import io.backpack4j.cockpit.quantity.Value;
import io.backpack4j.formats.ModelFile;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CockpitTest {

    private static final String EVERYTHING = "full,Time,Parameters,TICTrace,MeanGSNR,EarlyStopping,CABS,NoiseScale,"
            + "Eigenvalues(count=2),UpdateRatio,UnusualSamples(count=3),HessTrace(per=layer,as=byLayer),"
            + "HessTrace(curvature=diag_ggn_mc,as=mc),GradHist2d(keep_individual=true,bins=[8,9],as=each)";

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

    private static double number(RunLog log, long step, String label) {
        return log.value(step, label).orElseThrow().number().orElseThrow();
    }

    private static Map<String, double[]> numbers(Model model) {
        Map<String, double[]> numbers = new LinkedHashMap<>();
        model.parameters()
                .names()
                .forEach(name -> numbers.put(name, model.parameters().get(name).toDoubleArray()));
        return numbers;
    }

    @Test
    void everything_at_once_and_watching_changes_nothing() throws IOException {
        TrainingRun run = new TrainingRun(backpack, DType.FLOAT32, 0.2);
        Path path = folder.resolve("run.jsonl");
        Map<String, double[]> watched;
        try (Model model = run.model();
                Cockpit cockpit = Cockpit.builder(backpack, model)
                        .quantities(EVERYTHING)
                        .modelName("clouds")
                        .optimizer("SGD(lr=0.2)")
                        .log(path)
                        .open()) {
            run.run(model, cockpit, 40, 16, step -> {});
            assertThat(cockpit.unavailable()).isEmpty();
            watched = numbers(model);
        }
        try (Model model = run.model()) {
            run.run(model, null, 40, 16, step -> {});
            numbers(model)
                    .forEach((name, own) ->
                            assertThat(watched.get(name)).as(name).containsExactly(own, within(1e-6)));
        }
        RunLog log = Cockpit.load(path);
        for (String label : log.header().quantities().keySet()) {
            long step = label.equals("InputScale") ? 0 : 20;
            assertThat(log.value(step, label).orElseThrow()).as(label).isNotInstanceOf(Value.Missing.class);
        }
        assertThat(log.value(39, "Alpha")).isEmpty();
        assertThat(log.value(38, "Alpha")).isPresent();
        assertThat(log.epochs()).hasSize(4);
        Value.Several byLayer = (Value.Several) log.value(5, "byLayer").orElseThrow();
        Value.Several byParameter = (Value.Several) log.value(5, "HessTrace").orElseThrow();
        assertThat(byLayer.values()).hasSize(2);
        assertThat(byLayer.values().get(0).number().orElseThrow())
                .isCloseTo(
                        byParameter.values().get(0).number().orElseThrow()
                                + byParameter.values().get(1).number().orElseThrow(),
                        within(1e-5));
        Path report = Path.of("target", "report.html");
        CockpitPage.write(Map.of("run", log), AlarmOptions.DEFAULT, report);
        assertThat(Files.readString(report))
                .contains("\"GradHist1d\"")
                .doesNotContain("/*DATA*/", "https:", "src=", "href=");
    }

    @Test
    void eigenvalues_are_those_of_lanczos_and_the_trace_is_between() {
        TrainingRun run = new TrainingRun(backpack, DType.FLOAT64, 0.2);
        Path path = folder.resolve("run.jsonl");
        try (Model model = run.model();
                Cockpit cockpit = Cockpit.builder(backpack, model)
                        .quantities("HessMaxEV(tolerance=1e-9),HessMaxEV(which=smallest,tolerance=1e-9,as=least),"
                                + "Eigenvalues(count=2,tolerance=1e-9,max_products=1000)")
                        .log(path)
                        .open()) {
            run.run(model, cockpit, 5, 16, step -> {});
        }
        RunLog log = Cockpit.load(path);
        for (long step = 0; step < 5; step++) {
            Value.Several all = (Value.Several) log.value(step, "Eigenvalues").orElseThrow();
            assertThat(all.values().get(0).number().orElseThrow())
                    .isCloseTo(number(log, step, "HessMaxEV"), within(1e-7));
            assertThat(all.values().get(2).number().orElseThrow()).isCloseTo(number(log, step, "least"), within(1e-7));
        }
    }

    /** Small enough to be worked out by hand, and with gradients that hardly differ. */
    @Test
    void tests_keep_their_digits_in_single_precision_where_gradients_hardly_differ() {
        Map<DType, List<Double>> values = new LinkedHashMap<>();
        for (DType dtype : List.of(DType.FLOAT64, DType.FLOAT32)) {
            Path path = folder.resolve(dtype + ".jsonl");
            try (Model model = backpack.model(ModelFile.parse(TrainingRun.MODEL, "m"), dtype, Shape.of(8))) {
                model.parameters().initialize(1);
                float[] inputs = new float[4 * 8];
                for (int i = 0; i < inputs.length; i++) {
                    inputs[i] = (float) (Math.sin(i % 8) * (1 + 1e-4 * Math.cos(3 * i)));
                }
                try (Batch batch = backpack.batch(dtype, inputs, Shape.of(4, 8), new long[4]);
                        Cockpit cockpit = Cockpit.builder(backpack, model)
                                .quantities("NormTest,InnerTest,OrthoTest")
                                .log(path)
                                .open()) {
                    StepRequest request = cockpit.request(0, batch);
                    try (Results results = request.run(backpack, model, batch)) {
                        cockpit.track(0, results);
                    }
                }
            }
            RunLog log = Cockpit.load(path);
            values.put(
                    dtype,
                    List.of(number(log, 0, "NormTest"), number(log, 0, "InnerTest"), number(log, 0, "OrthoTest")));
        }
        for (int i = 0; i < 3; i++) {
            double exact = values.get(DType.FLOAT64).get(i);
            assertThat(exact).isLessThan(1e-3);
            assertThat(values.get(DType.FLOAT32).get(i)).isCloseTo(exact, within(0.05 * exact));
        }
    }

    @Test
    void wrong_quantities_are_refused_all_at_once() {
        TrainingRun run = new TrainingRun(backpack, DType.FLOAT64, 0.1);
        try (Model model = run.model()) {
            assertThatThrownBy(() -> Cockpit.builder(backpack, model)
                            .quantities(
                                    "Los,GradNorm(bins=3),Loss(per=layer),Alpha,Alpha,economy(x=1),GradHist1d(range=[2,1])")
                            .open())
                    .isInstanceOf(BackpackException.class)
                    .hasMessageContaining("Los")
                    .hasMessageContaining("bins")
                    .hasMessageContaining("per=layer")
                    .hasMessageContaining("as=NAME")
                    .hasMessageContaining("takes no options")
                    .hasMessageContaining("the second larger");
            assertThatThrownBy(() -> Cockpit.builder(backpack, model)
                            .quantities("Loss(parameters=[9.*])")
                            .open())
                    .hasMessageContaining("0.weight");
        }
    }

    @Test
    void calls_in_another_order_are_refused() {
        TrainingRun run = new TrainingRun(backpack, DType.FLOAT64, 0.1);
        try (Model model = run.model();
                Batch batch = run.batch(0, 4);
                Cockpit cockpit =
                        Cockpit.builder(backpack, model).quantities("Loss").open();
                Results results = backpack.compute(model, batch)) {
            assertThatThrownBy(() -> cockpit.track(0, results)).hasMessageContaining("CockpitOutOfOrder");
            cockpit.request(0, batch);
            assertThatThrownBy(() -> cockpit.stepped(0)).hasMessageContaining("CockpitOutOfOrder");
            cockpit.track(0, results);
            assertThatThrownBy(() -> cockpit.track(0, results)).hasMessageContaining("twice");
            cockpit.stepped(0);
            assertThatThrownBy(() -> cockpit.request(0, batch)).hasMessageContaining("step 0");
        }
    }

    /** Said to be plain descent, but it is not: the slope is measured then. */
    @Test
    void an_update_that_comes_otherwise_than_planned_is_measured() {
        Map<Boolean, Double> alphas = new LinkedHashMap<>();
        for (boolean planned : List.of(true, false)) {
            TrainingRun run = new TrainingRun(backpack, DType.FLOAT64, 0.3);
            Path path = folder.resolve(planned + ".jsonl");
            try (Model model = run.model();
                    Cockpit cockpit = Cockpit.builder(backpack, model)
                            .quantities("Alpha")
                            .log(path)
                            .open()) {
                for (long step = 0; step < 2; step++) {
                    try (Batch batch = run.batch(step, 8)) {
                        StepRequest request = cockpit.request(
                                step, batch, planned ? PlannedUpdate.descent(0.01) : PlannedUpdate.UNKNOWN);
                        try (Results results = request.run(backpack, model, batch)) {
                            cockpit.track(step, results);
                            for (String name : List.of("0.weight", "2.bias")) {
                                backpack.backend()
                                        .elementwise()
                                        .addScaled(
                                                -0.3,
                                                results.gradient(name),
                                                model.parameters().get(name));
                            }
                            cockpit.stepped(step);
                        }
                    }
                }
            }
            alphas.put(planned, number(Cockpit.load(path), 0, "Alpha"));
        }
        assertThat(alphas.get(true)).isCloseTo(alphas.get(false), within(1e-12));
    }
}
