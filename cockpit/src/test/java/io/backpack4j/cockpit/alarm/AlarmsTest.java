// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.alarm;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.cockpit.log.LogLine;
import io.backpack4j.cockpit.quantity.Measurement;
import io.backpack4j.cockpit.quantity.Value;
import java.util.List;
import java.util.Map;
import java.util.function.LongFunction;
import org.junit.jupiter.api.Test;

class AlarmsTest {

    private static List<String> raised(long steps, LongFunction<Map<String, Measurement>> values) {
        Alarms alarms = new Alarms(AlarmOptions.of(Map.of("window", 10L)));
        for (long step = 0; step < steps; step++) {
            alarms.accept(LogLine.step(step, values.apply(step)));
        }
        return alarms.raised().stream()
                .map(alarm -> alarm.name() + " " + alarm.step())
                .toList();
    }

    private static Measurement of(double... values) {
        return new Measurement(Value.of(values), Map.of());
    }

    @Test
    void a_healthy_run_raises_none() {
        assertThat(raised(
                        100,
                        step -> Map.of(
                                "Alpha", Measurement.of(0.1),
                                "NormTest", Measurement.of(0.9),
                                "Loss", Measurement.of(Math.exp(-step / 20.0)),
                                "DeadUnits", of(0.2, 0),
                                "Saturation", of(0.4, 0),
                                "ClassBalance", balance(0.9, 1000),
                                "InputScale", scale(1, 5),
                                "UpdateRatio", of(1e-3, 1e-3),
                                "GradNorm", of(1, 2))))
                .isEmpty();
    }

    @Test
    void every_rule_raises_its_alarm_once_where_it_is_broken() {
        assertThat(raised(30, step -> Map.of("Alpha", Measurement.of(0.8)))).containsExactly("step-too-large 9");
        assertThat(raised(30, step -> Map.of("NormTest", Measurement.of(1)))).containsExactly("batch-too-small 9");
        assertThat(raised(30, step -> Map.of("GradNorm", of(1e-9, 1e-9)))).containsExactly("vanishing-gradient 9");
        assertThat(raised(30, step -> Map.of("GradNorm", of(step == 20 ? 1e4 : 1, 1))))
                .containsExactly("exploding-gradient 20");
        assertThat(raised(30, step -> Map.of("GradNorm", of(step == 0 ? 1e5 : 1, 1))))
                .containsExactly("poor-initialisation 0");
        assertThat(raised(30, step -> Map.of("GradNorm", of(1, 0)))).containsExactly("zero-gradient 2");
        assertThat(raised(30, step -> Map.of("UpdateRatio", of(1e-9, 1e-3)))).containsExactly("weights-do-not-move 1");
        assertThat(raised(30, step -> Map.of("UpdateRatio", of(0.5, 1e-3)))).containsExactly("weights-move-too-fast 1");
        assertThat(raised(30, step -> Map.of("Loss", Measurement.of(1))))
                .containsExactly("loss-does-not-fall 19", "stalled 19");
        assertThat(raised(3, step -> Map.of("Loss", Measurement.of(step == 1 ? Double.NaN : 1))))
                .containsExactly("not-finite 1");
    }

    private static Measurement balance(double value, int samples) {
        return new Measurement(Value.of(value), Map.of("samples", samples, "classes", 10));
    }

    private static Measurement scale(double value, double spread) {
        return new Measurement(Value.of(value), Map.of("spread", spread));
    }

    @Test
    void units_and_data_have_their_rules() {
        assertThat(raised(30, step -> Map.of("DeadUnits", of(0.6, 0)))).containsExactly("dead-units 1");
        assertThat(raised(30, step -> Map.of("DeadUnits", of(step < 28 ? 0 : 1, 0))))
                .containsExactly("dead-units 29");
        assertThat(raised(3, step -> Map.of("DeadUnits", of(0, 1))))
                .containsExactly("dead-units 1", "layer-of-zeros 2");
        assertThat(raised(30, step -> Map.of("Saturation", Measurement.of(0.6))))
                .containsExactly("saturated-units 1");
        assertThat(raised(30, step -> Map.of("ClassBalance", balance(0.6, (int) step * 10))))
                .containsExactly("unbalanced-classes 10");
        assertThat(raised(1, step -> Map.of("InputScale", scale(80, 2)))).containsExactly("unnormalised-inputs 0");
        assertThat(raised(1, step -> Map.of("InputScale", scale(1e-4, 2)))).containsExactly("unnormalised-inputs 0");
        assertThat(raised(1, step -> Map.of("InputScale", scale(1, 200)))).containsExactly("unnormalised-inputs 0");
    }

    @Test
    void layers_are_named_and_alarms_know_their_quantities() {
        Alarms alarms = new Alarms(AlarmOptions.of(Map.of("window", 1L)));
        alarms.accept(LogLine.step(
                0, Map.of("DeadUnits", new Measurement(Value.of(0.9), Map.of()), "Saturation", layers(0.1, 0.7))));
        assertThat(alarms.raised())
                .extracting(Alarm::message)
                .anySatisfy(message -> assertThat(message).contains("of layer act.b are at the ends"))
                .anySatisfy(message -> assertThat(message).contains("of the network are zero"));
        assertThat(Alarms.quantitiesOf(List.of("stalled", "over-fitting", "dead-units")))
                .containsExactly("Loss", "DeadUnits");
    }

    private static Measurement layers(double... values) {
        return new Measurement(Value.of(values), Map.of("layers", List.of("act.a", "act.b")));
    }

    @Test
    void a_rule_that_was_kept_in_between_raises_again() {
        assertThat(raised(60, step -> Map.of("Alpha", Measurement.of(step / 20 == 1 ? 0 : 0.8))))
                .containsExactly("step-too-large 9", "step-too-large 46");
    }

    @Test
    void epochs_tell_of_over_fitting() {
        Alarms alarms = new Alarms(AlarmOptions.DEFAULT);
        for (int epoch = 0; epoch < 6; epoch++) {
            alarms.accept(LogLine.epoch(
                    epoch,
                    new double[] {0.1},
                    Map.of(
                            "train_loss",
                            1.0 / (epoch + 1),
                            "valid_loss",
                            1 + 0.1 * epoch,
                            "train_accuracy",
                            0.9,
                            "valid_accuracy",
                            0.7)));
        }
        assertThat(alarms.raised()).extracting(Alarm::name).containsExactly("over-fitting", "over-training");
    }
}
