// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.cockpit.alarm.Alarm;
import io.backpack4j.cockpit.alarm.AlarmOptions;
import io.backpack4j.cockpit.alarm.Alarms;
import io.backpack4j.formats.ModelFile;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every alarm is raised by a run in which something goes wrong, and none by one in which all goes well. */
class AlarmRunsTest {

    private static final String MODEL = """
            {"nodes": [{"name": "0", "type": "Linear", "in_features": 6, "out_features": 10, "inputs": ["input"]},
            {"name": "1", "type": "%s", "inputs": ["0"]},
            {"name": "2", "type": "Linear", "in_features": 10, "out_features": 3, "inputs": ["1"]}],
            "output": "2", "loss": {"type": "CrossEntropyLoss", "reduction": "mean"}}""";

    private static BackPack backpack;

    @BeforeAll
    static void load() {
        backpack = BackPack.create();
    }

    @AfterAll
    static void close() {
        backpack.close();
    }

    /** A run, which goes well unless something of it is changed. */
    private static final class Run {
        private String activation = "Tanh";
        private double rate = 0.1;
        private long steps = 40;
        private int samples = 24;
        private double inputScale = 1;
        private boolean oneClass;
        private boolean wrongTargets;
        private double validLossRises;
        private double validAccuracy = 0.5;
        private long brokenAt = Long.MAX_VALUE;
        private double broken = 1;
        private final Map<String, Double> scaled = new LinkedHashMap<>();
        private double bias;

        private Batch batch(long step) {
            Random random = new Random(7 + step);
            float[] inputs = new float[samples * 6];
            long[] classes = new long[samples];
            for (int n = 0; n < samples; n++) {
                int kind = random.nextInt(3);
                for (int i = 0; i < 6; i++) {
                    double input = random.nextGaussian() + (i % 3 == kind ? 2 : 0);
                    inputs[6 * n + i] = (float) (input * inputScale * (step == brokenAt ? broken : 1));
                }
                classes[n] = oneClass ? 0 : wrongTargets ? random.nextInt(3) : kind;
            }
            return backpack.batch(DType.FLOAT64, inputs, Shape.of(samples, 6), classes);
        }

        private List<Alarm> alarms() {
            try (Model model = backpack.model(
                            ModelFile.parse(MODEL.formatted(activation), "m"), DType.FLOAT64, Shape.of(6));
                    Cockpit cockpit = Cockpit.builder(backpack, model)
                            .alarms(Alarms.NAMES)
                            .alarms(AlarmOptions.of(Map.of("window", 10L)))
                            .open()) {
                model.parameters().initialize(5);
                scaled.forEach((name, factor) -> backpack.backend()
                        .elementwise()
                        .affine(
                                model.parameters().get(name),
                                factor,
                                0,
                                model.parameters().get(name)));
                backpack.backend()
                        .elementwise()
                        .affine(
                                model.parameters().get("0.bias"),
                                1,
                                bias,
                                model.parameters().get("0.bias"));
                for (long step = 0; step < steps; step++) {
                    step(model, cockpit, step);
                }
                return cockpit.alarms();
            }
        }

        private void step(Model model, Cockpit cockpit, long step) {
            try (Batch batch = batch(step)) {
                StepRequest request = cockpit.request(step, batch, PlannedUpdate.descent(rate));
                try (Results results = request.run(backpack, model, batch)) {
                    cockpit.track(step, results);
                    model.parameters()
                            .trainable()
                            .forEach(name -> backpack.backend()
                                    .elementwise()
                                    .addScaled(
                                            -rate,
                                            results.gradient(name),
                                            model.parameters().get(name)));
                    cockpit.stepped(step);
                }
            }
            if (step % 8 == 7) {
                double valid = validLossRises == 0 ? 1.0 / (step + 1) : 1 + validLossRises * step;
                cockpit.log(
                        step,
                        step / 8,
                        new double[] {rate},
                        Map.of(
                                "train_loss",
                                1.0 / (step + 1),
                                "valid_loss",
                                valid,
                                "train_accuracy",
                                0.52,
                                "valid_accuracy",
                                validAccuracy));
            }
        }
    }

    @Test
    void a_run_in_which_all_goes_well_raises_none() {
        assertThat(new Run().alarms()).isEmpty();
        Run rectified = new Run();
        rectified.activation = "ReLU";
        assertThat(rectified.alarms()).isEmpty();
    }

    private static Run broken(String alarm) {
        Run run = new Run();
        switch (alarm) {
            case "step-too-large" -> run.rate = 6;
            case "batch-too-small" -> {
                // Nothing is to be learned, so that all there is is noise.
                run.wrongTargets = true;
                run.scaled.put("2.weight", 0.0);
                run.rate = 1e-3;
            }
            case "vanishing-gradient" -> {
                // One class that is known for sure: probabilities of others are next to nothing.
                run.oneClass = true;
                run.rate = 200;
            }
            case "exploding-gradient" -> {
                run.activation = "ReLU";
                run.brokenAt = 30;
                run.broken = 1e4;
            }
            case "poor-initialisation" -> run.scaled.put("2.weight", 1e-6);
            case "zero-gradient", "layer-of-zeros" -> {
                run.activation = "ReLU";
                run.bias = -100;
            }
            case "dead-units" -> {
                run.activation = "ReLU";
                run.bias = -4.5;
            }
            case "saturated-units" -> run.scaled.put("0.weight", 50.0);
            case "weights-do-not-move", "loss-does-not-fall", "stalled" -> run.rate = 1e-9;
            case "weights-move-too-fast" -> run.rate = 20;
            case "over-training" -> run.validLossRises = 0.1;
            case "over-fitting" -> run.validAccuracy = 0.3;
            case "unbalanced-classes" -> run.oneClass = true;
            case "unnormalised-inputs" -> run.inputScale = 255;
            case "not-finite" -> run.scaled.put("2.weight", Double.NaN);
            default -> throw new AssertionError("No run raises " + alarm);
        }
        return run;
    }

    private static List<String> names() {
        return Alarms.NAMES;
    }

    @ParameterizedTest
    @MethodSource("names")
    void an_alarm_is_raised_where_its_rule_is_broken(String name) {
        List<Alarm> alarms = broken(name).alarms();
        Map<String, Alarm> byName =
                alarms.stream().collect(Collectors.toMap(Alarm::name, alarm -> alarm, (first, later) -> first));
        assertThat(byName).as(alarms.toString()).containsKey(name);
        assertThat(byName.get(name).message()).endsWith(".").hasSizeGreaterThan(40);
        assertThat(byName.get(name).rule()).isNotBlank();
    }
}
