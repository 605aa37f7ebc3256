// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.thirdparty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.ext.firstorder.BatchGrad;
import io.backpack4j.ext.firstorder.BatchL2Grad;
import io.backpack4j.ext.firstorder.SumGradSquared;
import io.backpack4j.ext.firstorder.Variance;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Frozen;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.modules.conv.Conv;
import io.backpack4j.modules.conv.MaxPool;
import io.backpack4j.modules.conv.Pad;
import io.backpack4j.modules.linear.Dropout;
import io.backpack4j.modules.linear.Flatten;
import io.backpack4j.modules.linear.Identity;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.ReLU;
import io.backpack4j.modules.linear.Sum;
import io.backpack4j.modules.linear.loss.MSELoss;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.io.IOException;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Modules that stand for chains of others: ours change no result, and other jars may bring their own. */
class FusionTest {

    private static final int N = 6;

    /** x to k x, and a fusion of two of them; another one that does what its argument says. */
    private static final String TIMES = """
            public record Times(double factor, String wrong) implements Module {
                @Override
                public ModuleDeclaration declare(List<Shape> inputs) {
                    return ModuleDeclaration.output(inputs.get(0));
                }

                @Override
                public Evaluation evaluate(
                        EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
                    if (wrong.equals("fused")) {
                        throw new IllegalStateException("so it was fused");
                    }
                    Tensor input = inputs.get(0);
                    Tensor output = context.scope().allocate(input.shape(), input.dtype());
                    context.backend().elementwise().affine(input, factor, 0, output);
                    return new Evaluation() {
                        @Override
                        public Tensor output() {
                            return output;
                        }

                        @Override
                        public Pullback pullback(EvaluationContext back, Tensor cotangents) {
                            return input -> {
                                Tensor result = back.scope().allocate(cotangents.shape(), cotangents.dtype());
                                back.backend().elementwise().affine(cotangents, factor, 0, result);
                                return result;
                            };
                        }
                    };
                }
            }

            @Override
            public List<ModuleProvider> modules() {
                return List.of(ModuleProvider.of("Times",
                        arguments -> new Times(arguments.number("factor", 1), arguments.word("wrong", "", "", "fused", "throw"))));
            }

            @Override
            public List<Fusion> fusions() {
                return List.of((chain, input) -> {
                    if (chain.size() != 2
                            || !(chain.get(0) instanceof Times first)
                            || !(chain.get(1) instanceof Times second)) {
                        return Optional.empty();
                    }
                    if (first.wrong().equals("throw")) {
                        throw new IllegalStateException("no idea");
                    }
                    return Optional.of(new Times(first.factor() * second.factor(), first.wrong() + second.wrong()));
                });
            }
            """;

    @TempDir
    private Path folder;

    private Path plugins = Path.of("");

    @BeforeEach
    void makeFolder() throws IOException {
        plugins = Files.createDirectory(folder.resolve("plugins"));
    }

    private static Map<String, double[]> run(BackPack backpack, Graph graph, DType dtype, Shape sample, int outputs) {
        Random random = new Random(11);
        double[] inputs = random.doubles(N * sample.elements(), -1, 1).toArray();
        double[] targets = random.doubles((long) N * outputs, -1, 1).toArray();
        List<Request<?>> requests = List.of(
                Request.of(new BatchGrad()),
                Request.of(new BatchL2Grad()),
                Request.of(new SumGradSquared()),
                Request.of(new Variance()));
        Map<String, double[]> arrays = new TreeMap<>();
        try (Model model = backpack.model(graph, new MSELoss(), dtype, sample);
                Batch batch = backpack.batch(dtype)
                        .input("input", sample.prepend(N), inputs)
                        .targets(Shape.of(N, outputs), targets)
                        .build()) {
            model.parameters().initialize(3);
            try (Results results =
                    backpack.plan(model, batch, requests, PassOptions.DEFAULT).run(batch, 5)) {
                results.tensors().forEach((name, tensor) -> arrays.put(name, tensor.toDoubleArray()));
                arrays.put("loss", new double[] {results.loss()});
            }
        }
        assertThat(backpack.backend().memory().openTensors()).isZero();
        return arrays;
    }

    /**
     * A network with forks, a tied filter behind a fused chain and dropout. A second ReLU changes nothing; Identity in
     * its place keeps chains apart.
     */
    private static Graph network(boolean apart) {
        Module between = apart ? new Identity() : new ReLU();
        return Graph.builder()
                .add("conv", Conv.of(2, 2, 4, 3).withPadding(1))
                .add("relu", new ReLU())
                .add("between", between)
                .add("pool", MaxPool.of(2, 2))
                .add("second", Conv.of(2, 4, 4, 3).withPadding(1))
                .add("relu2", new ReLU())
                .add("sum", new Sum(), "pool", "relu2")
                .add("relu3", new ReLU())
                .add("between3", between)
                .add("pad", Pad.zeros(1, 0, 0, 1))
                .add("pool3", MaxPool.of(2, 2))
                .add("drop", new Dropout(0.3))
                .add(new Graph.Node(
                        "tied",
                        Conv.of(2, 4, 4, 3).withPadding(1),
                        List.of(),
                        Frozen.NONE,
                        Map.of("weight", "second.weight", "bias", "second.bias")))
                .add("relu4", new ReLU())
                .add("between4", between)
                .add("pool4", MaxPool.of(2, 1, 2))
                .add("flat", new Flatten())
                .build();
    }

    @ParameterizedTest
    @CsvSource({"FLOAT64, nd4j", "FLOAT64, onednn", "FLOAT32, nd4j", "FLOAT32, onednn"})
    void oursChangeNoResult(DType dtype, String kernels) {
        Shape sample = Shape.of(2, 8, 10);
        try (BackPack backpack = BackPack.builder()
                .backend("cpu")
                .threads(2)
                .properties(Map.of("backpack.cpu.kernels", kernels))
                .build()) {
            int outputs = 4 * 2 * 1;
            Map<String, double[]> fused = run(backpack, network(false), dtype, sample, outputs);
            Map<String, double[]> apart = run(backpack, network(true), dtype, sample, outputs);
            assertThat(fused.keySet())
                    .isEqualTo(apart.keySet())
                    .contains("second.weight/variance", "conv.bias/grad_batch");
            double tolerance = dtype == DType.FLOAT64 ? 1e-12 : 1e-4;
            apart.forEach((name, expected) -> {
                double scale = Arrays.stream(expected).map(Math::abs).max().orElse(0);
                double[] actual = fused.get(name);
                for (int i = 0; i < expected.length; i++) {
                    assertThat(Math.abs(actual[i] - expected[i]))
                            .as("%s at %d", name, i)
                            .isLessThanOrEqualTo(tolerance * scale);
                }
            });
        }
    }

    private Graph times(BackPack backpack, String wrong) {
        Module twice = backpack.catalog().module("a test", "Times", Map.of("factor", 2, "wrong", wrong));
        Module thrice = backpack.catalog().module("a test", "Times", Map.of("factor", 3));
        return Graph.builder()
                .add("first", new Linear(4, 3))
                .add("a", twice)
                .add("b", thrice)
                .add("last", new Linear(3, 2))
                .build();
    }

    @Test
    void anotherJarMayBringOne() throws IOException {
        ExternalJars.plugin(plugins.resolve("times.jar"), "Scaling", TIMES);
        try (URLClassLoader loader = ExternalJars.loader(plugins);
                BackPack backpack =
                        BackPack.builder().classLoader(loader).backend("cpu").build()) {
            Shape sample = Shape.of(4);
            Graph one = times(backpack, "");
            Graph apart = Graph.builder()
                    .add("first", new Linear(4, 3))
                    .add("a", backpack.catalog().module("a test", "Times", Map.of("factor", 6)))
                    .add("last", new Linear(3, 2))
                    .build();
            Map<String, double[]> expected = run(backpack, apart, DType.FLOAT64, sample, 2);
            run(backpack, one, DType.FLOAT64, sample, 2)
                    .forEach((name, values) -> assertThat(values)
                            .as(name)
                            .usingComparatorWithPrecision(1e-12)
                            .containsExactly(expected.get(name)));
            assertThatThrownBy(() -> run(backpack, times(backpack, "fused"), DType.FLOAT64, sample, 2))
                    .hasMessageContaining("Node 'a+b' (Times) failed in its forward pass:")
                    .hasMessageContaining("so it was fused");
            assertThatThrownBy(() -> run(backpack, times(backpack, "throw"), DType.FLOAT64, sample, 2))
                    .hasMessageStartingWith(
                            "[PluginFailure] The fusion of nodes 'a', 'b' (Times, Times) failed: java.lang.IllegalStateException: no idea.")
                    .hasMessageEndingWith("times.jar.");
            assertThat(backpack.backend().memory().openTensors()).isZero();
        }
    }
}
