// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.it.oracle.Curvature;
import io.backpack4j.it.oracle.Curvature.Convention;
import io.backpack4j.it.oracle.Problem;
import io.backpack4j.kernel.NodeDescription;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Kronecker factors of convolutions against the oracle and against other quantities. */
class ConvolutionFactorsTest {

    private static final String CONV1 =
            "2,6 | Conv1d 3 k=3 p=1 | ReLU | Conv1d 2 k=2 s=2 | Flatten | Linear 3" + " | CrossEntropyLoss mean";
    private static final String CONV2 =
            "2,5,4 | Conv2d 3 k=3,2 p=1,1 | Tanh | Conv2d 2 k=2 d=2 | Flatten | Linear 2 | MSELoss mean";
    private static final String CONV3 =
            "2,3,2,3 | Conv3d 2 k=2,2,3 p=1 | Sigmoid | AvgPool3d k=2 | Flatten | Linear 3" + " | CrossEntropyLoss sum";
    private static final String GROUPS =
            "4,4,3 | Conv2d 4 k=2 g=2 p=1 | ReLU | Conv2d 2 k=3,2 g=2 nobias | Flatten | Linear 2"
                    + " | BCEWithLogitsLoss mean";
    private static final String TRANSPOSED1 =
            "2,3 | ConvTranspose1d 3 k=3 s=2 p=1 op=1 | Tanh | ConvTranspose1d 2 k=2 d=2 | Flatten"
                    + " | Linear 3 | CrossEntropyLoss mean";
    private static final String TRANSPOSED2 =
            "4,2,3 | ConvTranspose2d 4 k=2,3 g=2 p=0,1 | ReLU | ConvTranspose2d 2 k=2 s=2 | Flatten"
                    + " | Linear 2 | MSELoss sum";
    private static final String TRANSPOSED3 =
            "2,2,1,2 | ConvTranspose3d 2 k=2 | Sigmoid | Flatten | Linear 3 | CrossEntropyLoss mean";
    private static final String OUTPUTS = "2,3,3 | Conv2d 2 k=2 | ELU | Conv2d 3 k=2 p=1 | CrossEntropyLoss mean";

    private static final Map<Setting, Passes> PASSES = new EnumMap<>(Setting.class);

    @BeforeAll
    static void open() {
        for (Setting setting : Setting.values()) {
            PASSES.put(setting, new Passes(setting));
        }
    }

    @AfterAll
    static void close() {
        PASSES.values().forEach(Passes::close);
        PASSES.clear();
    }

    /** The results of a request: {@code 0.weight/kflr/0} becomes {@code 0.weight/0}. */
    private static Map<String, double[]> run(Passes passes, Problem problem, Request<?> request, PassOptions options) {
        Map<String, double[]> selected = new TreeMap<>();
        passes.run(problem, List.of(request), options).forEach((name, values) -> {
            if (name.contains("/" + request.name() + "/")) {
                selected.put(name.replace("/" + request.name() + "/", "/"), values);
            }
        });
        return selected;
    }

    @ParameterizedTest
    @ValueSource(strings = {CONV1, CONV2, CONV3, GROUPS, TRANSPOSED1, TRANSPOSED2, TRANSPOSED3, OUTPUTS})
    void factors_are_those_of_the_oracle(String line) {
        Problem problem = Written.problem(line, 3);
        Curvature curvature = new Curvature(problem);
        for (Convention convention : Convention.values()) {
            Map<String, Object> options = Map.of("convention", convention.name().toLowerCase(Locale.ROOT));
            compare(line, problem, "KFLR", options, curvature.kflr(convention));
            compare(line, problem, "KFRA", options, curvature.kfra(convention));
        }
        compare(line, problem, "KFLR", Map.of(), curvature.kflr());
        compare(line, problem, "KFRA", Map.of(), curvature.kfra());
    }

    private static void compare(
            String line, Problem problem, String type, Map<String, Object> options, Map<String, double[]> expected) {
        PASSES.forEach((setting, passes) -> {
            String what = "%s of %s with %s".formatted(type, line, options);
            Request<?> request = passes.request(type, options);
            setting.assertClose(what, run(passes, problem, request, PassOptions.DEFAULT), expected);
            if (type.equals("KFLR")) {
                PassOptions split = PassOptions.DEFAULT.chunk(2).block(2);
                setting.assertClose(what + " in parts", run(passes, problem, request, split), expected);
            }
        });
    }

    /** KFRA averages behind every module, whatever the library makes one node of. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "2,5,4 | Conv2d 3 k=2 | ReLU | MaxPool2d k=2 | Flatten | Linear 3 | CrossEntropyLoss mean",
                "2,5,4 | Conv2d 3 k=2 | ReLU | ZeroPad2d padding=1 | MaxPool2d k=2 | Tanh | Conv2d 2 k=2 | Flatten | Linear 3"
                        + " | CrossEntropyLoss mean",
                "2,6 | Conv1d 3 k=2 | Sigmoid | AvgPool1d k=2 | Pad padding=1,0 value=1 | Conv1d 2 k=2 | AdaptiveAvgPool1d output_size=1"
                        + " | Flatten | MSELoss sum"
            })
    void pools_and_pads_lie_between(String line) {
        Problem problem = Written.problem(line, 3);
        Curvature curvature = new Curvature(problem);
        compare(line, problem, "KFLR", Map.of(), curvature.kflr());
        compare(line, problem, "KFRA", Map.of(), curvature.kfra());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "3,4,3 | Conv2d 2 k=2 nobias | BatchNorm2d | Tanh | Flatten | Linear 3 | CrossEntropyLoss mean",
                "2,3,3 | Conv2d 2 k=2 | Sigmoid | Conv2d 2 k=3 p=1 | Scale weight=3.0 | Sum @3 @1 | ReLU | Flatten | Linear 3"
                        + " | CrossEntropyLoss sum"
            })
    void norms_and_branches_have_kflr(String line) {
        Problem problem = Written.problem(line, 3);
        compare(line, problem, "KFLR", Map.of(), new Curvature(problem).kflr());
    }

    /**
     * With one output position there is no sharing: at one sample, the product is the block of the generalised
     * Gauss-Newton matrix.
     */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "2,4 | Conv1d 4 k=4 | ReLU | Conv1d 1 k=1 | MSELoss mean",
                "2,3,3 | Conv2d 4 k=3 | ReLU | Conv2d 1 k=1 | MSELoss mean",
                "2,3,3,3 | Conv3d 3 k=3 | ReLU | Conv3d 1 k=1 | MSELoss mean",
                "2,9 | ConvTranspose1d 4 k=3 p=5 | Sigmoid | ConvTranspose1d 1 k=1 | MSELoss mean",
                "2,4,4 | ConvTranspose2d 3 k=2 p=2 | Sigmoid | ConvTranspose2d 1 k=1 | MSELoss mean",
                "2,6,6,6 | ConvTranspose3d 4 k=2 p=3 | Sigmoid | ConvTranspose3d 1 k=1 | MSELoss mean",
                "4,3,2 | Conv2d 4 k=3,2 g=2 | Tanh | Conv2d 3 k=1 | CrossEntropyLoss mean",
                "4,4 | ConvTranspose1d 6 k=2 p=2 g=2 | Tanh | ConvTranspose1d 2 k=1 g=2 | BCEWithLogitsLoss sum"
            })
    void at_one_sample_and_position_the_factors_make_the_block(String line) {
        Problem problem = Written.problem(line, 1);
        Curvature curvature = new Curvature(problem);
        for (NodeDescription node : problem.model().nodes()) {
            if (!node.type().startsWith("Conv")) {
                continue;
            }
            String name = node.name() + ".weight";
            double[] block = curvature.block(name);
            PASSES.forEach((setting, passes) -> {
                for (String type : List.of("KFLR", "KFRA")) {
                    Map<String, double[]> factors =
                            run(passes, problem, passes.request(type, Map.of()), PassOptions.DEFAULT);
                    double[] product =
                            product(node, problem.parameters().get(name).shape(), factors, block);
                    setting.assertClose(type + " of " + line, product, block);
                    setting.assertClose(
                            type + " of " + line,
                            factors.get(node.name() + ".bias/0"),
                            curvature.block(node.name() + ".bias"));
                }
            });
        }
    }

    /**
     * The dense form in the order of the weight's elements; between groups, where there are no factors, the block
     * itself.
     */
    private static double[] product(NodeDescription node, int[] weight, Map<String, double[]> factors, double[] block) {
        boolean transposed = node.type().startsWith("ConvTranspose");
        int groups = node.arguments().get("groups") instanceof Integer number ? number : 1;
        int elements = Arrays.stream(weight).skip(2).reduce(1, (a, b) -> a * b);
        int outputs = transposed ? weight[1] : weight[0] / groups;
        int inputs = (transposed ? weight[0] / groups : weight[1]) * elements;
        double[] left = factors.get(node.name() + ".weight/0");
        double[] right = factors.get(node.name() + ".weight/1");
        assertThat(left).hasSize(groups * outputs * outputs);
        assertThat(right).hasSize(groups * inputs * inputs);
        int size = groups * outputs * inputs;
        double[] product = block.clone();
        for (int i = 0; i < size; i++) {
            int[] a = indices(i, weight, elements, groups, transposed);
            for (int j = 0; j < size; j++) {
                int[] b = indices(j, weight, elements, groups, transposed);
                if (a[0] == b[0]) {
                    product[i * size + j] = left[(a[0] * outputs + a[1]) * outputs + b[1]]
                            * right[(a[0] * inputs + a[2]) * inputs + b[2]];
                }
            }
        }
        return product;
    }

    /** Group, output and input of an element of a weight. */
    private static int[] indices(int element, int[] weight, int elements, int groups, boolean transposed) {
        int first = element / elements / weight[1];
        int second = element / elements % weight[1];
        int perGroup = weight[0] / groups;
        int output = transposed ? second : first % perGroup;
        int input = transposed ? first % perGroup : second;
        return new int[] {first / perGroup, output, input * elements + element % elements};
    }

    @ParameterizedTest
    @ValueSource(strings = {CONV1, CONV2, CONV3, GROUPS, TRANSPOSED1, TRANSPOSED2, TRANSPOSED3, OUTPUTS})
    void what_is_the_same_by_definition(String line) {
        int samples = 5;
        int draws = 3;
        Problem problem = Written.problem(line, samples);
        PASSES.forEach((setting, passes) -> {
            Map<String, Object> drawn = Map.of("mc_samples", draws);
            Map<String, double[]> results = passes.run(
                    problem,
                    List.of(
                            passes.request("KFLR", Map.of()),
                            passes.request("KFRA", Map.of()),
                            passes.request("KFAC", drawn),
                            passes.request("DiagGGNExact", Map.of()),
                            passes.request("DiagGGNMC", drawn),
                            passes.request("SqrtGGNMC", drawn)),
                    PassOptions.DEFAULT);
            for (String parameter : problem.trained()) {
                if (parameter.endsWith("bias")) {
                    double[] roots = results.get(parameter + "/sqrt_ggn_mc");
                    setting.assertClose(
                            line,
                            diagonal(results.get(parameter + "/kflr/0")),
                            results.get(parameter + "/diag_ggn_exact"));
                    setting.assertClose(
                            line,
                            diagonal(results.get(parameter + "/kfac/0")),
                            results.get(parameter + "/diag_ggn_mc"));
                    setting.assertClose(line, results.get(parameter + "/kfac/0"), gram(roots, samples * draws));
                } else {
                    setting.assertClose(line, results.get(parameter + "/kfac/1"), results.get(parameter + "/kflr/1"));
                    setting.assertClose(line, results.get(parameter + "/kfra/1"), results.get(parameter + "/kflr/1"));
                }
            }
        });
    }

    private static double[] diagonal(double[] matrix) {
        int size = (int) Math.round(Math.sqrt(matrix.length));
        double[] diagonal = new double[size];
        for (int i = 0; i < size; i++) {
            diagonal[i] = matrix[i * size + i];
        }
        return diagonal;
    }

    private static double[] gram(double[] rows, int count) {
        int size = rows.length / count;
        double[] gram = new double[size * size];
        for (int row = 0; row < count; row++) {
            for (int i = 0; i < gram.length; i++) {
                gram[i] += rows[row * size + i / size] * rows[row * size + i % size];
            }
        }
        return gram;
    }

    @ParameterizedTest
    @CsvSource({"FLOAT64", "FLOAT32", "FLOAT32_FALLBACK"})
    void chunks_and_blocks_change_nothing(Setting setting) {
        Problem problem = Written.problem(
                "2,7,6 | Conv2d 3 k=3 p=1 | ReLU | MaxPool2d k=2 | Conv2d 4 k=2 g=1 | Sigmoid | ConvTranspose2d 2 k=2 | AvgPool2d k=2"
                        + " | Flatten | Linear 3 | CrossEntropyLoss mean",
                6);
        Passes passes = PASSES.get(setting);
        List<Request<?>> requests = List.of(
                passes.request("DiagGGNExact", Map.of()),
                passes.request("BatchDiagGGNExact", Map.of()),
                passes.request("SqrtGGNExact", Map.of()),
                passes.request("DiagGGNMC", Map.of("mc_samples", 4)),
                passes.request("DiagHessian", Map.of()),
                passes.request("KFLR", Map.of()),
                passes.request("KFAC", Map.of("mc_samples", 4)));
        Map<String, double[]> whole = passes.run(problem, requests, PassOptions.DEFAULT);
        for (int chunk : new int[] {1, 4, 6}) {
            for (int block : new int[] {1, 2}) {
                PassOptions options = PassOptions.DEFAULT.chunk(chunk).block(block);
                setting.assertClose(options.toString(), passes.run(problem, requests, options), whole);
            }
        }
        for (String parameter : problem.trained()) {
            double[] diagonal = results(whole, parameter, "diag_ggn_exact");
            double[] sum = new double[diagonal.length];
            double[] batch = results(whole, parameter, "diag_ggn_exact_batch");
            for (int i = 0; i < batch.length; i++) {
                sum[i % sum.length] += batch[i];
            }
            setting.assertClose(parameter, sum, diagonal);
        }
    }

    private static double[] results(Map<String, double[]> all, String parameter, String name) {
        return all.get(parameter + "/" + name);
    }

    @ParameterizedTest
    @CsvSource({"FLOAT64", "FLOAT32", "FLOAT32_FALLBACK"})
    void piecewise_linear_networks_have_the_diagonal_of_the_ggn(Setting setting) {
        Problem problem = Written.problem(
                "2,7,6 | Conv2d 3 k=3 p=1 | ReLU | ZeroPad2d padding=1 | MaxPool2d k=2 | ConvTranspose2d 2 k=2 | LeakyReLU | AvgPool2d k=2"
                        + " | Flatten | Linear 3 | CrossEntropyLoss mean",
                5);
        Passes passes = PASSES.get(setting);
        Map<String, double[]> results = passes.run(
                problem,
                List.of(passes.request("DiagHessian", Map.of()), passes.request("DiagGGNExact", Map.of())),
                PassOptions.DEFAULT);
        for (String parameter : problem.trained()) {
            setting.assertClose(
                    parameter, results(results, parameter, "diag_h"), results(results, parameter, "diag_ggn_exact"));
        }
    }
}
