// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.robustness;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.modules.conv.Conv;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.loss.BCEWithLogitsLoss;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Saturated outputs: what a formula makes exactly 0 is exactly 0, in both types and with both kernels. Sample n's input
 * is the n-th unit vector, and so column n of the weight its logits.
 */
class ExactZerosTest {

    private static final List<BackPack> BACKPACKS = List.of(open("onednn"), open("nd4j"));

    /** Everything of the output side; gradients aside. */
    private static final Map<String, Map<String, Object>> EXTENSIONS = Map.of(
            "DiagGGNExact", Map.of(),
            "BatchDiagGGNExact", Map.of(),
            "SqrtGGNExact", Map.of(),
            "DiagHessian", Map.of(),
            "DiagGGNMC", Map.of("mc_samples", 3),
            "SqrtGGNMC", Map.of("mc_samples", 3),
            "KFAC", Map.of("mc_samples", 3),
            "KFLR", Map.of(),
            "KFRA", Map.of());

    /**
     * Logits of one sample each, with and without ties, and differences whose probabilities are far below the types'
     * epsilons.
     */
    private static final double[][] LOGITS = {
        {1e4, 0, 0, -1e4},
        {-1e4, -1e4, 1e4, 1e4},
        {0, 0, 0, 0},
        {-1e4, 0, -1e4, 0},
        {1e4, 1e4, 1e4, -1e4},
        {0, -1e4, -1e4, -1e4},
        {-1e4, -1e4, -1e4, 0},
        {-1e4, 0, -1e4, -1e4},
        {0, -60, -60, -60},
        {-60, -60, -60, 0},
        {-80, 0, -70, -1e4},
        {0, -100, -100, -100},
        {-100, -100, 0, -102},
        {-1e4, 300, 200, 0},
        {0, -700, -720, -740}
    };

    private static BackPack open(String kernels) {
        return BackPack.builder()
                .backend("cpu")
                .threads(1)
                .properties(Map.of("backpack.cpu.kernels", kernels))
                .build();
    }

    @AfterAll
    static void close() {
        BACKPACKS.forEach(BackPack::close);
    }

    /**
     * What a network is run with.
     *
     * @param positions whether samples are positions of a single one
     * @param columns whether somebody asks for the columns of the exact root: otherwise the loss chooses another one
     */
    record Setting(BackPack backpack, DType dtype, boolean positions, boolean columns, String text) {

        @Override
        public String toString() {
            return text;
        }
    }

    static List<Setting> settings() {
        return IntStream.range(0, 16)
                .mapToObj(i -> new Setting(
                        BACKPACKS.get(i % 2),
                        i / 2 % 2 == 0 ? DType.FLOAT32 : DType.FLOAT64,
                        i / 4 % 2 == 1,
                        i >= 8,
                        (i % 2 == 0 ? "oneDNN, " : "ND4J, ")
                                + (i / 2 % 2 == 0 ? "float32" : "float64")
                                + (i / 4 % 2 == 1 ? ", positions" : "")
                                + (i >= 8 ? ", columns" : "")))
                .toList();
    }

    /** All results, by name. */
    private static Map<String, double[]> run(Setting setting, Loss loss, double[][] logits, double... targets) {
        int samples = logits.length;
        int classes = logits[0].length;
        double[] weight = new double[classes * samples];
        double[] units = new double[samples * samples];
        for (int n = 0; n < samples; n++) {
            units[n * samples + n] = 1;
            for (int c = 0; c < classes; c++) {
                weight[c * samples + n] = logits[n][c];
            }
        }
        // Channel i of position q is 1 where i is q.
        Module module = setting.positions ? Conv.of(1, samples, classes, 1) : new Linear(samples, classes);
        Shape input = setting.positions ? Shape.of(1, samples, samples) : Shape.of(samples, samples);
        boolean labels = loss instanceof CrossEntropyLoss;
        Map<String, double[]> arrays = new TreeMap<>();
        var builder = setting.backpack.batch(setting.dtype).input(Graph.INPUT, input, units);
        Shape ofLabels = setting.positions ? Shape.of(1, samples) : Shape.of(samples);
        builder = labels
                ? builder.targets(
                        ofLabels, Arrays.stream(targets).mapToLong(Math::round).toArray())
                : builder.targets(Shape.of(samples, classes), targets);
        try (Batch batch = builder.build();
                Model model =
                        setting.backpack.model(Graph.sequential(module), loss, setting.dtype, input.dropFirst(1))) {
            model.parameters().set("0.weight", weight);
            model.parameters().set("0.bias", new double[classes]);
            List<Request<?>> requests = EXTENSIONS.entrySet().stream()
                    .filter(entry -> !(setting.positions && entry.getKey().equals("KFRA")))
                    .filter(entry -> setting.columns || !entry.getKey().equals("SqrtGGNExact"))
                    .<Request<?>>map(entry -> setting.backpack.catalog().request(entry.getKey(), entry.getValue()))
                    .toList();
            try (Results results = setting.backpack
                    .plan(model, batch, requests, PassOptions.DEFAULT)
                    .run(batch, 7)) {
                results.tensors().forEach((name, tensor) -> arrays.put(name, tensor.toDoubleArray()));
            }
        }
        return arrays;
    }

    private static double[] softmax(double... logits) {
        double largest = Arrays.stream(logits).max().orElseThrow();
        double[] p = Arrays.stream(logits).map(x -> Math.exp(x - largest)).toArray();
        double sum = Arrays.stream(p).sum();
        return Arrays.stream(p).map(x -> x / sum).toArray();
    }

    @ParameterizedTest
    @MethodSource("settings")
    void a_batch_of_certain_classes_has_no_curvature(Setting setting) {
        double[][] logits = {LOGITS[0], LOGITS[5], LOGITS[6], LOGITS[7]};
        Map<String, double[]> results = run(setting, new CrossEntropyLoss(), logits, 0, 0, 3, 1);
        results.forEach((name, values) -> {
            if (name.contains("/") && !name.endsWith("/1")) {
                assertZeros(name, values);
            }
        });
        assertThat(results.keySet())
                .anyMatch(name -> name.contains("diag_ggn_exact"))
                .anyMatch(name -> setting.columns == name.contains("sqrt_ggn_exact"))
                .anyMatch(name -> name.contains("kflr"))
                .anyMatch(name -> name.contains("diag_h"));
    }

    @ParameterizedTest
    @MethodSource("settings")
    void certain_bits_have_no_curvature(Setting setting) {
        if (setting.positions) {
            return;
        }
        double[][] logits = {{1e4, -1e4}, {-1e4, 2e3}, {1e3, 1e3}};
        run(setting, new BCEWithLogitsLoss(), logits, 1, 0, 0, 1, 1, 1).forEach((name, values) -> {
            if (name.contains("/") && !name.endsWith("/1")) {
                assertZeros(name, values);
            }
        });
    }

    private static void assertZeros(String name, double... values) {
        for (double value : values) {
            assertThat(value == 0).as("%s has %s, not 0", name, value).isTrue();
        }
    }

    /** p (1 − p) / N for the weight's diagonal, Σ_n (diag p − p pᵀ) / N for the block of the bias. */
    @ParameterizedTest
    @MethodSource("settings")
    void saturated_outputs_have_the_curvature_of_the_formula(Setting setting) {
        int samples = LOGITS.length;
        int classes = LOGITS[0].length;
        double[] diagonal = new double[classes * samples];
        double[] block = new double[classes * classes];
        for (int n = 0; n < samples; n++) {
            double[] p = softmax(LOGITS[n]);
            for (int i = 0; i < classes; i++) {
                double others = 0;
                for (int j = 0; j < classes; j++) {
                    others += j == i ? 0 : p[j];
                }
                diagonal[i * samples + n] = p[i] * others / samples;
                for (int j = 0; j < classes; j++) {
                    block[i * classes + j] += (i == j ? p[i] * others : -p[i] * p[j]) / samples;
                }
            }
        }
        Map<String, double[]> results = run(
                setting, new CrossEntropyLoss(), LOGITS, new double[] {0, 2, 1, 1, 0, 0, 3, 1, 0, 3, 1, 0, 2, 1, 0});
        results.forEach((name, values) -> assertThat(values).as(name).doesNotContain(Double.NaN));
        assertFormula(setting, results, "0.weight/diag_ggn_exact", diagonal);
        if (!setting.positions) {
            // By position, the parameter's samples are all in one.
            assertFormula(setting, results, "0.bias/kflr/0", block);
        }
    }

    private static void assertFormula(Setting setting, Map<String, double[]> results, String name, double... expected) {
        assertThat(results).containsKey(name);
        double[] actual = results.get(name);
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < expected.length; i++) {
            double found = actual[i];
            if (expected[i] == 0) {
                assertThat(found == 0).as("%s[%d] is %s, not 0", name, i, found).isTrue();
            }
            // Differences of large terms keep the digits of those in the Hessian; roots have no differences.
            double tolerance = setting.dtype == DType.FLOAT32
                    ? 1e-5 * Math.abs(expected[i]) + Float.MIN_NORMAL
                    : 1e-12 * Math.abs(expected[i]) + Double.MIN_NORMAL;
            assertThat(Math.abs(found - expected[i]))
                    .as("%s[%d] is %s, not %s", name, i, found, expected[i])
                    .isLessThanOrEqualTo(tolerance);
        }
    }
}
