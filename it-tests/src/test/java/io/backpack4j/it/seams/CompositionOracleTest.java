// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.BatchBuilder;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.modules.linear.loss.MSELoss;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.extension.BlockProduct;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.module.Composition;
import io.backpack4j.spi.module.RowBlock;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Parameters whose rows are used apart, against formulas of the whole network and their finite differences, in double
 * precision.
 */
class CompositionOracleTest {

    private static final int N = 4;
    private static final int E = 2;

    private static final Map<String, Shape> SHAPES = Map.of(
            "enc.in_proj_weight", Shape.of(3 * E, E),
            "enc.in_proj_bias", Shape.of(3 * E),
            "enc.out_proj.weight", Shape.of(E, E),
            "enc.out_proj.bias", Shape.of(E),
            "enc.weight", Shape.of(6, E));

    @TempDir
    private static Path folder;

    private static BackPack backpack;

    @BeforeAll
    static void open() {
        backpack = ComposingPlugin.open(folder);
    }

    @AfterAll
    static void close() {
        backpack.close();
    }

    private static double[] linear(double[] weight, RowBlock rows, double[] bias, double[] x) {
        double[] y = new double[(int) rows.size()];
        for (int o = 0; o < y.length; o++) {
            int row = (int) rows.from() + o;
            y[o] = bias.length == 0 ? 0 : bias[row];
            for (int i = 0; i < x.length; i++) {
                y[o] += weight[row * x.length + i] * x[i];
            }
        }
        return y;
    }

    private static double[] attention(Map<String, double[]> p, double[] x, double[] mask) {
        double[][] heads = new double[3][];
        for (int i = 0; i < 3; i++) {
            RowBlock rows = new RowBlock(i * E, (i + 1) * E);
            heads[i] = linear(p.get("enc.in_proj_weight"), rows, p.get("enc.in_proj_bias"), x);
        }
        double[] value = new double[E];
        Arrays.setAll(value, e -> Math.tanh(heads[0][e] * heads[1][e]) * heads[2][e] * mask[e]);
        RowBlock all = new RowBlock(0, E);
        double[] hidden = linear(p.get("enc.out_proj.weight"), all, p.get("enc.out_proj.bias"), value);
        double[] gate = new double[E];
        Arrays.setAll(gate, e -> 1 / (1 + Math.exp(-hidden[e])));
        double[] out = linear(p.get("enc.out_proj.weight"), all, p.get("enc.again.bias"), gate);
        Arrays.setAll(out, e -> out[e] + x[e]);
        return out;
    }

    private static double[] overlapping(Map<String, double[]> p, double[] x) {
        Map<String, double[]> parts = new LinkedHashMap<>();
        OverlappingRows.ROWS.forEach(
                (name, rows) -> parts.put(name, linear(p.get("enc.weight"), rows, new double[0], x)));
        double[] out = new double[E];
        Arrays.setAll(
                out,
                e -> Math.tanh(parts.get("a")[e] * parts.get("b")[e]) * parts.get("c")[e] * parts.get("d")[e] + x[e]);
        return out;
    }

    private static double[] sum(double[][] rows) {
        double[] sum = new double[rows[0].length];
        Arrays.stream(rows).forEach(row -> Arrays.setAll(sum, i -> sum[i] + row[i]));
        return sum;
    }

    private static double[] concat(double[][] rows) {
        return Arrays.stream(rows).flatMapToDouble(Arrays::stream).toArray();
    }

    private static double[] diagonal(double[] matrix) {
        int size = (int) Math.round(Math.sqrt(matrix.length));
        double[] diagonal = new double[size];
        Arrays.setAll(diagonal, i -> matrix[i * size + i]);
        return diagonal;
    }

    private static void assertClose(String what, double[] actual, double[] expected) {
        double largest = Arrays.stream(expected).map(Math::abs).max().orElse(0);
        assertThat(largest).as("%s: a test of zeros", what).isPositive();
        assertThat(actual).as(what).containsExactly(expected, within(2e-8 * Math.max(largest, 0.1)));
    }

    /** What is checked of one network. */
    private interface Check {
        void accept(Model model, Batch batch, Map<String, double[]> parameters, double[][] inputs, double[][] targets);
    }

    private static void with(Composition module, boolean masked, double[][] mask, Check check) {
        Random random = new Random(21);
        double[][] inputs = new double[N][];
        double[][] targets = new double[N][];
        for (int n = 0; n < N; n++) {
            inputs[n] = random.doubles(E, -1, 1).toArray();
            targets[n] = random.doubles(E, -1, 1).toArray();
        }
        Graph.Builder graph = Graph.builder();
        Shape sample = Shape.of(E);
        BatchBuilder builder = backpack.batch(DType.FLOAT64)
                .input("input", sample.prepend(N), concat(inputs))
                .targets(sample.prepend(N), concat(targets));
        if (masked) {
            graph.inputs("input", "mask").add("enc", module, "input", "mask");
            builder.input("mask", sample.prepend(N), concat(mask));
        } else {
            graph.add("enc", module);
        }
        Shape[] shapes = masked ? new Shape[] {sample, sample} : new Shape[] {sample};
        try (Model model = backpack.model(graph.build(), new MSELoss(LossReduction.MEAN), DType.FLOAT64, shapes);
                Batch batch = builder.build()) {
            Map<String, double[]> parameters = new LinkedHashMap<>();
            for (String name : model.parameters().names()) {
                int size = (int) model.parameters().spec(name).shape().elements();
                parameters.put(name, random.doubles(size, -1.5, 1.5).toArray());
                model.parameters().set(name, parameters.get(name));
            }
            check.accept(model, batch, parameters, inputs, targets);
        }
    }

    /** Compares everything that needs no block structure, so that it is asked of any parameter. */
    private static void compare(
            Model model, Batch batch, DifferenceOracle oracle, List<String> diagonals, PassOptions options) {
        String name = oracle.name();
        List<Request<?>> requests = new ArrayList<>();
        for (String type : List.of(
                "BatchGrad",
                "BatchL2Grad",
                "SumGradSquared",
                "DiagGGNExact",
                "BatchDiagGGNExact",
                "KFLR",
                "GGNMP",
                "HMP")) {
            requests.add(backpack.catalog().request(type, Map.of("parameters", List.of(name))));
        }
        diagonals.forEach(type -> requests.add(backpack.catalog().request(type, Map.of("parameters", List.of(name)))));
        double[][] gradients = oracle.gradients();
        double[][] gaussNewtons = oracle.gaussNewtons();
        double[] hessian = oracle.hessian();
        try (Results results = backpack.plan(model, batch, requests, options).run(batch)) {
            Map<String, Tensor> tensors = results.tensors();
            Function<String, double[]> actual =
                    quantity -> tensors.get(name + "/" + quantity).toDoubleArray();
            assertClose("gradient of " + name, actual.apply("grad"), sum(gradients));
            assertClose("gradients of " + name, actual.apply("grad_batch"), concat(gradients));
            double[] norms = Arrays.stream(gradients)
                    .mapToDouble(row -> Arrays.stream(row).map(g -> g * g).sum())
                    .toArray();
            assertClose("norms of " + name, actual.apply("batch_l2"), norms);
            double[][] squares = Arrays.stream(gradients)
                    .map(row -> Arrays.stream(row).map(g -> g * g).toArray())
                    .toArray(double[][]::new);
            assertClose("squares of " + name, actual.apply("sum_grad_squared"), sum(squares));
            double[][] ofSamples = Arrays.stream(gaussNewtons)
                    .map(CompositionOracleTest::diagonal)
                    .toArray(double[][]::new);
            assertClose("diagonals of " + name, actual.apply("diag_ggn_exact_batch"), concat(ofSamples));
            assertClose("diagonal of " + name, actual.apply("diag_ggn_exact"), sum(ofSamples));
            // Weights that are whole or in equal blocks have two factors, which are no block.
            boolean factored = name.equals("enc.in_proj_weight") || name.equals("enc.out_proj.weight");
            assertThat(tensors.containsKey(name + "/kflr/1")).as(name).isEqualTo(factored);
            if (!factored) {
                assertClose("block of " + name, actual.apply("kflr/0"), sum(gaussNewtons));
            }
            if (!diagonals.isEmpty()) {
                assertClose("Hessian's diagonal of " + name, actual.apply("diag_h"), diagonal(hessian));
            }
            assertClose("GGN of " + name, matrix(results.products().get(name + "/ggnmp"), oracle), sum(gaussNewtons));
            assertClose("Hessian of " + name, matrix(results.products().get(name + "/hmp"), oracle), hessian);
        }
    }

    /** Products with all unit vectors. */
    private static double[] matrix(BlockProduct product, DifferenceOracle oracle) {
        int size = oracle.size();
        double[] identity = new double[size * size];
        for (int i = 0; i < size; i++) {
            identity[i * size + i] = 1;
        }
        try (TensorScope scope = backpack.backend().openScope()) {
            Shape shape = SHAPES.get(oracle.name()).prepend(size);
            return product.multiply(scope, backpack.backend().upload(scope, shape, DType.FLOAT64, identity))
                    .toDoubleArray();
        }
    }

    @Test
    void three_blocks_and_a_tied_weight() {
        double[][] mask = new double[N][];
        Random random = new Random(2);
        for (int n = 0; n < N; n++) {
            mask[n] = random.doubles(E, 0.5, 2).toArray();
        }
        for (boolean masked : List.of(true, false)) {
            with(
                    new GatedAttention(E, 0, GatedAttention.Mode.EVAL),
                    masked,
                    mask,
                    (model, batch, parameters, inputs, targets) -> {
                        double[] ones = {1, 1};
                        DifferenceOracle.Network network = p -> {
                            double[][] outputs = new double[N][];
                            Arrays.setAll(outputs, n -> attention(p, inputs[n], masked ? mask[n] : ones));
                            return outputs;
                        };
                        for (String name : List.of(
                                "enc.in_proj_weight", "enc.in_proj_bias", "enc.out_proj.weight", "enc.out_proj.bias")) {
                            List<String> diagonals =
                                    name.equals("enc.out_proj.weight") ? List.of() : List.of("DiagHessian");
                            DifferenceOracle oracle = new DifferenceOracle(network, parameters, name, targets);
                            compare(model, batch, oracle, diagonals, PassOptions.DEFAULT);
                            compare(
                                    model,
                                    batch,
                                    oracle,
                                    diagonals,
                                    PassOptions.DEFAULT.chunk(3).block(2));
                        }
                    });
        }
    }

    /** No Kronecker factors then, but the exact block; and no diagonal of the Hessian, as with any tie. */
    @Test
    void rows_that_overlap_in_part_are_ties() {
        with(new OverlappingRows(), false, new double[0][], (model, batch, parameters, inputs, targets) -> {
            DifferenceOracle.Network network = p -> {
                double[][] outputs = new double[N][];
                Arrays.setAll(outputs, n -> overlapping(p, inputs[n]));
                return outputs;
            };
            DifferenceOracle oracle = new DifferenceOracle(network, parameters, "enc.weight", targets);
            compare(model, batch, oracle, List.of(), PassOptions.DEFAULT);
            compare(
                    model,
                    batch,
                    oracle,
                    List.of(),
                    PassOptions.DEFAULT.chunk(3).block(2));
            try (Results results = backpack.plan(
                            model, batch, List.of(backpack.catalog().request("KFLR", Map.of())), PassOptions.DEFAULT)
                    .run(batch)) {
                assertThat(results.tensors().keySet()).contains("enc.weight/kflr/0");
                assertThat(results.tensors().get("enc.weight/kflr/0").shape()).isEqualTo(Shape.of(12, 12));
            }
            List<Request<?>> requests = List.of(backpack.catalog().request("DiagHessian", Map.of()));
            assertThatThrownBy(() -> backpack.plan(model, batch, requests, PassOptions.DEFAULT))
                    .isInstanceOf(BackpackException.class)
                    .hasMessageContaining("TiedParameter")
                    .hasMessageContaining("part 'a' (Linear)");
        });
    }
}
