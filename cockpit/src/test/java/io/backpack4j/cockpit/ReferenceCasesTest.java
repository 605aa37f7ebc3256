// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.cockpit.ReferenceRun.Setting;
import io.backpack4j.cockpit.log.RunLog;
import io.backpack4j.cockpit.quantity.Value;
import io.backpack4j.formats.Safetensors;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.spi.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** All quantities of the original Cockpit, step for step. */
class ReferenceCasesTest {

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

    static Stream<String> cases() throws IOException {
        try (Stream<Path> files = Files.list(Path.of("src/test/resources/reference"))) {
            return files.map(path -> path.getFileName().toString()).sorted().toList().stream();
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void values_in_double_precision_are_the_originals(String name) {
        compare(name, new Setting(DType.FLOAT64, true, "mean"));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void updates_that_nobody_planned_are_measured(String name) {
        compare(name, new Setting(DType.FLOAT64, false, "mean"));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void values_in_single_precision_are_near(String name) {
        compare(name, new Setting(DType.FLOAT32, true, "mean"));
    }

    /** With a rate that makes equal steps. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "cockpit_mlp_tanh_ce.safetensors",
                "cockpit_mlp_sigmoid_mse.safetensors",
                "cockpit_momentum.safetensors",
                "cockpit_adapted_bins.safetensors"
            })
    void values_of_a_loss_that_sums_are_those_of_a_mean(String name) {
        compare(name, new Setting(DType.FLOAT64, true, "sum"));
    }

    private void compare(String name, Setting setting) {
        try (Safetensors file =
                Safetensors.open(Path.of("src/test/resources/reference").resolve(name))) {
            ReferenceRun run = new ReferenceRun(file);
            RunLog log = run.run(backpack, folder.resolve("run.jsonl"), setting);
            SoftAssertions softly = new SoftAssertions();
            int compared = 0;
            int steps = Integer.parseInt(file.metadata().get("steps"));
            assertThat(log.header().parameters()).isEqualTo(run.strings("parameters"));
            for (String label : run.quantities(setting.dtype()).keySet()) {
                for (long step = 0; step < steps; step++) {
                    compared += compare(softly, file, log, step, label, setting);
                }
            }
            softly.assertAll();
            assertThat(compared).isGreaterThan(20);
        }
    }

    private int compare(SoftAssertions softly, Safetensors file, RunLog log, long step, String label, Setting setting) {
        String where = "step%d/%s".formatted(step, label);
        Map<String, ?> tensors = file.tensors();
        Value value = log.value(step, label).orElse(null);
        if (label.equals("Parameters")) {
            boolean stored = tensors.keySet().stream().anyMatch(name -> name.startsWith(where + "/"));
            softly.assertThat(value != null).as(where).isEqualTo(stored);
            if (value instanceof Value.File written) {
                parameters(softly, file, where, written, setting);
            }
            return 1;
        }
        if (tensors.containsKey(where + "/hist")) {
            histogram(softly, file, where, value, setting);
            return 1;
        }
        if (label.startsWith("Grad") && label.contains("Hist")) {
            softly.assertThat(value).as(where).isNull();
            return 1;
        }
        double[] expected = label.startsWith("HessMaxEV") ? eigenvalue(file, step, label) : numbers(file, where);
        if (expected.length == 0) {
            softly.assertThat(value).as(where).isNull();
            return 0;
        }
        if (label.equals("CABS") && !setting.planned()) {
            softly.assertThat(value).as(where).isInstanceOf(Value.Missing.class);
            return 1;
        }
        double[] actual = numbers(value);
        softly.assertThat(actual).as(where).hasSameSizeAs(expected);
        for (int i = 0; i < Math.min(actual.length, expected.length); i++) {
            softly.assertThat(actual[i])
                    .as("%s[%d]", where, i)
                    .isCloseTo(expected[i], within(tolerance(label, setting) * scale(expected, setting)));
        }
        return 1;
    }

    private static double scale(double[] expected, Setting setting) {
        double largest = 0;
        for (double each : expected) {
            largest = Math.max(largest, Math.abs(each));
        }
        return setting.dtype() == DType.FLOAT64 ? Math.max(1, largest) : largest;
    }

    /** Those of the reference; in single precision, three times what the original itself differs by. */
    private static double tolerance(String label, Setting setting) {
        String quantity = label.replaceAll("\\..*", "");
        boolean hessian = label.contains("diag_h") || !label.contains("diag_ggn");
        if (setting.dtype() == DType.FLOAT64) {
            return quantity.equals("TICDiag") && hessian ? 1e-7 : 1e-9;
        }
        return switch (quantity) {
            case "Alpha" -> 9e-5;
            case "InnerTest" -> 1.8e-4;
            case "MeanGSNR" -> 2.4e-3;
            case "EarlyStopping" -> 4.2e-3;
            case "TICDiag" -> hessian ? 3.6e-2 : 9e-6;
            default -> 9e-6;
        };
    }

    private static double[] eigenvalue(Safetensors file, long step, String label) {
        String which = label.endsWith("eigsh") ? "hessian_largest" : "hessian_largest_magnitude";
        double[] exact = numbers(file, "step%d/exact/%s".formatted(step, which));
        return exact.length == 0 ? numbers(file, "step%d/%s".formatted(step, label)) : exact;
    }

    /** Empty where the original stored nothing. */
    private static double[] numbers(Safetensors file, String name) {
        if (!file.tensors().containsKey(name)) {
            return new double[0];
        }
        double[] numbers = file.readDoubles(name);
        return Double.isNaN(numbers[0]) ? new double[0] : numbers;
    }

    private static double[] numbers(Value value) {
        if (value instanceof Value.Several several) {
            return several.values().stream()
                    .mapToDouble(each -> each.number().orElse(Double.NaN))
                    .toArray();
        }
        return new double[] {value == null ? Double.NaN : value.number().orElse(Double.NaN)};
    }

    private static void histogram(SoftAssertions softly, Safetensors file, String where, Value value, Setting setting) {
        List<Long> expected = longs(file, where + "/hist");
        if (value instanceof Value.Histogram histogram) {
            softly.assertThat(histogram.counts()).as(where).isEqualTo(expected);
            edges(softly, file, where + "/edges", histogram.edges(), setting);
        } else if (value instanceof Value.JointHistogram joint) {
            softly.assertThat(flat(joint.counts())).as(where).isEqualTo(expected);
            edges(softly, file, where + "/edges/0", joint.gradientEdges(), setting);
            edges(softly, file, where + "/edges/1", joint.valueEdges(), setting);
            joint.individual()
                    .forEach((parameter, counts) -> softly.assertThat(flat(counts))
                            .as("%s of %s", where, parameter)
                            .isEqualTo(longs(file, "%s/%s/hist".formatted(where, parameter))));
        } else {
            softly.fail("%s is %s", where, value);
        }
    }

    private static void edges(
            SoftAssertions softly, Safetensors file, String name, List<Double> actual, Setting setting) {
        double[] expected = file.readDoubles(name);
        double tolerance = setting.dtype() == DType.FLOAT64 ? 1e-12 : 9e-6;
        softly.assertThat(actual).as(name).hasSize(expected.length);
        for (int i = 0; i < Math.min(actual.size(), expected.length); i++) {
            softly.assertThat(actual.get(i))
                    .as(name)
                    .isCloseTo(expected[i], within(tolerance * scale(expected, setting)));
        }
    }

    private void parameters(
            SoftAssertions softly, Safetensors file, String where, Value.File written, Setting setting) {
        try (Safetensors own = Safetensors.open(folder.resolve(written.path()))) {
            for (String name : own.tensors().keySet()) {
                double[] expected = file.readDoubles(where + "/" + name);
                double[] actual = own.readDoubles(name);
                for (int i = 0; i < expected.length; i++) {
                    softly.assertThat(actual[i])
                            .as("%s/%s[%d]", where, name, i)
                            .isCloseTo(
                                    expected[i], within(tolerance("Parameters", setting) * scale(expected, setting)));
                }
            }
        }
    }

    private static List<Long> flat(List<List<Long>> rows) {
        List<Long> flat = new ArrayList<>();
        rows.forEach(flat::addAll);
        return flat;
    }

    private static List<Long> longs(Safetensors file, String name) {
        List<Long> list = new ArrayList<>();
        for (long each : file.readLongs(name)) {
            list.add(each);
        }
        return list;
    }
}
