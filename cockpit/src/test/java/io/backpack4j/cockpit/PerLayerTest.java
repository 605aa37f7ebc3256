// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit;

import static org.assertj.core.api.Assertions.within;

import io.backpack4j.cockpit.log.RunLog;
import io.backpack4j.cockpit.quantity.Value;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Model;
import io.backpack4j.spi.tensor.DType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every quantity of parameters, by layer and by parameter, is what it is for these parameters alone. */
class PerLayerTest {

    private static final List<String> QUANTITIES = List.of(
            "GradNorm()",
            "Distance()",
            "UpdateSize()",
            "Alpha()",
            "NormTest()",
            "InnerTest()",
            "OrthoTest()",
            "GradHist1d(bins=8)",
            "GradHist2d(bins=[3,4])",
            "HessTrace()",
            "HessMaxEV(tolerance=1e-9,max_products=1000)",
            "TICDiag()",
            "TICTrace()",
            "MeanGSNR()",
            "EarlyStopping()",
            "CABS()",
            "NoiseScale()",
            "Eigenvalues(count=1,tolerance=1e-9,max_products=1000)",
            "UpdateRatio()",
            "UnusualSamples(count=2)");

    @TempDir
    Path folder;

    private static String with(String quantity, String option, String label) {
        String open = quantity.substring(0, quantity.length() - 1);
        return "%s%s%s,as=%s)".formatted(open, open.endsWith("(") ? "" : ",", option, label);
    }

    @Test
    void a_layers_value_is_that_of_its_parameters_alone() {
        List<String> layers = List.of("0", "2");
        List<String> parameters = List.of("0.weight", "0.bias", "2.weight", "2.bias");
        List<String> asked = new ArrayList<>();
        for (String quantity : QUANTITIES) {
            String type = quantity.substring(0, quantity.indexOf('('));
            asked.add(with(quantity, "per=layer", type + "-layer"));
            asked.add(with(quantity, "per=parameter", type + "-parameter"));
            for (String layer : layers) {
                asked.add(with(quantity, "per=network,parameters=[" + layer + ".*]", type + "-" + layer));
            }
            for (String parameter : parameters) {
                asked.add(with(quantity, "per=network,parameters=[" + parameter + "]", type + "-" + parameter));
            }
        }
        Path path = folder.resolve("run.jsonl");
        try (BackPack backpack = BackPack.create()) {
            TrainingRun run = new TrainingRun(backpack, DType.FLOAT64, 0.2);
            try (Model model = run.model();
                    Cockpit cockpit = Cockpit.builder(backpack, model)
                            .quantities(String.join(",", asked))
                            .log(path)
                            .open()) {
                run.run(model, cockpit, 3, 48, step -> {});
            }
        }
        RunLog log = Cockpit.load(path);
        SoftAssertions softly = new SoftAssertions();
        for (String quantity : QUANTITIES) {
            String type = quantity.substring(0, quantity.indexOf('('));
            compare(softly, log, type, "layer", layers);
            compare(softly, log, type, "parameter", parameters);
        }
        softly.assertAll();
    }

    private static void compare(SoftAssertions softly, RunLog log, String type, String per, List<String> names) {
        Value together = log.value(1, type + "-" + per).orElseThrow();
        softly.assertThat(together).as(type).isInstanceOf(Value.Several.class);
        if (together instanceof Value.Several several) {
            softly.assertThat(several.values()).as(type).hasSameSizeAs(names);
            for (int i = 0; i < names.size(); i++) {
                String where = type + " of " + names.get(i);
                Value own = log.value(1, type + "-" + names.get(i)).orElseThrow();
                softly.assertThat(own).as(where).isNotInstanceOf(Value.Missing.class);
                same(softly, where, several.values().get(i), own);
            }
        }
        if (per.equals("layer")) {
            Object details = log.details().get(1L).get(type + "-layer");
            softly.assertThat(String.valueOf(details)).as(type).contains("layers=[0, 2]");
        }
    }

    private static void same(SoftAssertions softly, String where, Value actual, Value expected) {
        if (expected instanceof Value.Several several && actual instanceof Value.Several own) {
            for (int i = 0; i < several.values().size(); i++) {
                same(softly, where, own.values().get(i), several.values().get(i));
            }
        } else if (expected.number().isPresent() && actual.number().isPresent()) {
            double number = expected.number().getAsDouble();
            softly.assertThat(actual.number().getAsDouble())
                    .as(where)
                    .isCloseTo(number, within(1e-7 * (1 + Math.abs(number))));
        } else {
            softly.assertThat(actual).as(where).isEqualTo(expected);
        }
    }
}
