// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.thirdparty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Frozen;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.LossDescription;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.PluginInfo;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.modules.linear.Affine;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.modules.linear.loss.NLLLoss;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.io.IOException;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A module, a loss and an extension from a jar that this build does not know, with every layer of this project. */
class ThirdPartyTest {

    private static final int N = 5;
    private static final Shape IMAGE = Shape.of(2, 3, 4);
    private static final List<String> FIRST_ORDER =
            List.of("BatchGrad", "BatchL2Grad", "SumGradSquared", "Variance", "SignalToNoise");

    /** Samples that layers over one and three axes take; the others take an image. */
    private static final List<String> RECURRENT = List.of("RNN", "LSTM", "GRU");

    private static final Map<Character, Shape> SAMPLES = Map.of('1', Shape.of(2, 4), '3', Shape.of(2, 2, 3, 4));

    /** Layers of several inputs, with their number. */
    private static final Map<String, Integer> INPUTS = Map.of(
            "Concat",
            2,
            "Mul",
            2,
            "Sub",
            2,
            "Sum",
            2,
            "MatMul",
            2,
            "TransformerDecoderLayer",
            2,
            "ScaledDotProductAttention",
            3,
            "MultiheadAttention",
            3);

    /** Arguments that fit, for every layer. */
    private static final Map<String, Map<String, ?>> LAYERS = new TreeMap<>(Map.ofEntries(
            Map.entry("Concat", Map.of("dim", 1)),
            Map.entry("Dropout", Map.of("p", 0.4)),
            Map.entry("ELU", Map.of()),
            Map.entry("Flatten", Map.of()),
            Map.entry("Gain", Map.of("initial", 0.5)),
            Map.entry("Gated", Map.of("features", 4)),
            Map.entry("Identity", Map.of()),
            Map.entry("LeakyReLU", Map.of()),
            Map.entry("Linear", Map.of("in_features", 4, "out_features", 2)),
            Map.entry("LogSigmoid", Map.of()),
            Map.entry("Mul", Map.of()),
            Map.entry("Permute", Map.of("dims", List.of(0, 3, 1, 2))),
            Map.entry("ReLU", Map.of()),
            Map.entry("SELU", Map.of()),
            Map.entry("Scale", Map.of("weight", -1.5)),
            Map.entry("Sigmoid", Map.of()),
            Map.entry("Slice", Map.of("slices", List.of(Arrays.asList(null, null, null), 1))),
            Map.entry("Sum", Map.of()),
            Map.entry("Tanh", Map.of()),
            Map.entry("Pad", Map.of("padding", List.of(1, 0), "value", 2))));

    static {
        for (String axes : List.of("1d", "2d", "3d")) {
            Map<String, Integer> convolution =
                    Map.of("in_channels", 2, "out_channels", 4, "kernel_size", 2, "groups", 2);
            LAYERS.put("Conv" + axes, convolution);
            LAYERS.put("ConvTranspose" + axes, convolution);
            LAYERS.put("MaxPool" + axes, Map.of("kernel_size", 2, "padding", 1));
            LAYERS.put("AvgPool" + axes, Map.of("kernel_size", 2, "padding", 1));
            LAYERS.put("AdaptiveMaxPool" + axes, Map.of("output_size", 2));
            LAYERS.put("AdaptiveAvgPool" + axes, Map.of("output_size", 2));
            LAYERS.put("ZeroPad" + axes, Map.of("padding", 1));
            LAYERS.put("ConstantPad" + axes, Map.of("padding", 1, "value", 0.5));
            LAYERS.put("BatchNorm" + axes, Map.of("num_features", 2, "mode", "eval"));
            LAYERS.put("InstanceNorm" + axes, Map.of("num_features", 2, "affine", true));
        }
        for (String activation : List.of(
                "GELU",
                "GLU",
                "Hardsigmoid",
                "Hardswish",
                "Hardtanh",
                "Mish",
                "PReLU",
                "ReLU6",
                "SiLU",
                "Softplus",
                "Softsign")) {
            LAYERS.put(activation, Map.of());
        }
        LAYERS.put("Softmax", Map.of("dim", 1));
        LAYERS.put("LogSoftmax", Map.of("dim", 1));
        LAYERS.put("Mean", Map.of("dim", -1));
        LAYERS.put("Max", Map.of("dim", -1));
        LAYERS.put("Reshape", Map.of("shape", List.of(-1, 2)));
        LAYERS.put("MatMul", Map.of());
        LAYERS.put("ScaledDotProductAttention", Map.of("num_heads", 2, "dropout", 0.3));
        LAYERS.put("MultiheadAttention", Map.of("embed_dim", 4, "num_heads", 2, "batch_first", true));
        LAYERS.put(
                "TransformerEncoderLayer", Map.of("d_model", 4, "nhead", 2, "dim_feedforward", 3, "batch_first", true));
        LAYERS.put(
                "TransformerDecoderLayer", Map.of("d_model", 4, "nhead", 2, "dim_feedforward", 3, "batch_first", true));
        LAYERS.put("Sub", Map.of());
        LAYERS.put("Div", Map.of());
        LAYERS.put("Affine", Map.of("scale", 2, "shift", -1));
        LAYERS.put("StochasticDepth", Map.of("p", 0.4));
        LAYERS.put("Upsample", Map.of("scale_factor", 2, "mode", "nearest"));
        LAYERS.put("Parameter", Map.of("shape", List.of(3, 4)));
        LAYERS.put("GroupNorm", Map.of("num_groups", 2, "num_channels", 2));
        LAYERS.put("LayerNorm", Map.of("normalized_shape", 4));
        LAYERS.put("RMSNorm", Map.of("normalized_shape", 4));
        Map<String, Object> table = Map.of("num_embeddings", 5, "embedding_dim", 4);
        LAYERS.put("Embedding", table);
        LAYERS.put("EmbeddingBag", table);
        for (String recurrent : RECURRENT) {
            LAYERS.put(recurrent, Map.of("input_size", 4, "hidden_size", 3, "batch_first", true));
        }
    }

    @TempDir
    static Path folder;

    private static URLClassLoader loader;
    private static BackPack backpack;

    @BeforeAll
    static void load() throws IOException {
        ExternalJars.acme(Files.createDirectory(folder.resolve("plugins")));
        loader = ExternalJars.loader(folder.resolve("plugins"));
        backpack =
                BackPack.builder().backend("cpu").threads(2).classLoader(loader).build();
    }

    @AfterAll
    static void close() throws IOException {
        assertThat(backpack.backend().memory().openTensors()).isZero();
        backpack.close();
        loader.close();
    }

    private static Module gain() {
        return backpack.catalog().module("node 'gain' (Gain)", "Gain", Map.of("initial", 1.5));
    }

    private static Loss poisson() {
        return backpack.catalog().loss(new LossDescription("PoissonLoss", Map.of()));
    }

    private static Request<?>[] requests() {
        return FIRST_ORDER.stream()
                .map(type -> backpack.catalog().request(type, Map.of()))
                .toArray(Request<?>[]::new);
    }

    private static Map<String, double[]> run(
            Graph graph, Loss loss, Shape input, Shape targets, PassOptions options, Request<?>... requests) {
        Random random = new Random(3);
        double[] inputs = random.doubles(N * input.elements(), -1, 1).toArray();
        double[] wanted = random.ints(targets.elements(), 0, 2).asDoubleStream().toArray();
        try (Model model = backpack.model(graph, loss, DType.FLOAT64, input)) {
            model.parameters().initialize(7);
            var builder = backpack.batch(DType.FLOAT64).input("input", input.prepend(N), inputs);
            builder = isOfClasses(loss)
                    ? builder.targets(
                            targets,
                            Arrays.stream(wanted).mapToLong(it -> (long) it).toArray())
                    : builder.targets(targets, wanted);
            try (Batch batch = builder.build();
                    Results results = backpack.plan(model, batch, List.of(requests), options)
                            .run(batch)) {
                Map<String, double[]> arrays = new TreeMap<>();
                results.tensors().forEach((name, tensor) -> arrays.put(name, tensor.toDoubleArray()));
                return arrays;
            }
        }
    }

    /** The ratio that the extension promises, from the gradients of single samples. */
    private static void assertRatios(Map<String, double[]> results, String parameter) {
        double[] gradients = results.get(parameter + "/grad_batch");
        double[] ratios = new double[gradients.length / N];
        for (int p = 0; p < ratios.length; p++) {
            double mean = 0;
            double squares = 0;
            for (int n = 0; n < N; n++) {
                mean += gradients[n * ratios.length + p] / N;
            }
            for (int n = 0; n < N; n++) {
                squares += Math.pow(gradients[n * ratios.length + p] - mean, 2);
            }
            ratios[p] = Math.abs(mean) / Math.sqrt(squares / N + 1e-8);
        }
        assertThat(results.get(parameter + "/snr")).as(parameter).containsExactly(ratios, within(1e-9));
        double[] sum = new double[ratios.length];
        for (int i = 0; i < gradients.length; i++) {
            sum[i % sum.length] += gradients[i];
        }
        assertThat(results.get(parameter + "/grad")).as(parameter).containsExactly(sum, within(1e-11));
    }

    private static void assertSame(Map<String, double[]> actual, Map<String, double[]> expected) {
        assertThat(actual.keySet()).isEqualTo(expected.keySet());
        expected.forEach(
                (name, values) -> assertThat(actual.get(name)).as(name).containsExactly(values, within(1e-10)));
    }

    @Test
    void the_catalogue_names_the_jar() {
        assertThat(backpack.catalog().plugins())
                .contains(new PluginInfo(
                        "acme",
                        "1.0",
                        folder.resolve("plugins/acme-plugin-1.0.jar").toString(),
                        List.of("Gain", "Gated"),
                        List.of("PoissonLoss"),
                        List.of("SignalToNoise"),
                        List.of(),
                        Map.of()));
        assertThat(gain().getClass().getClassLoader()).isSameAs(loader);
    }

    @Test
    void every_layer_of_the_catalogue_is_tried() {
        assertThat(LAYERS.keySet())
                .as("layers with an example in this test: give new ones one")
                .containsExactlyElementsOf(backpack.catalog().moduleTypes());
    }

    @Test
    void all_three_work_with_every_layer() {
        for (Map.Entry<String, Map<String, ?>> layer : LAYERS.entrySet()) {
            String type = layer.getKey();
            boolean isSequence = RECURRENT.contains(type)
                    || type.contains("Attention")
                    || type.contains("Transformer")
                    || type.equals("MatMul");
            char axes = type.charAt(Math.max(0, type.length() - 2));
            Shape sample = isSequence ? Shape.of(4, 4) : SAMPLES.getOrDefault(axes, IMAGE);
            List<String> inputs = new ArrayList<>(List.of("early"));
            inputs.addAll(0, Collections.nCopies(INPUTS.getOrDefault(type, 1) - 1, "first"));
            Module module = backpack.catalog().module("node 'layer'", type, layer.getValue());
            if (module.takesIntegers(0)) {
                continue;
            }
            if (type.equals("Div")) {
                inputs = List.of("early", "far from zero");
            }
            Graph.Builder builder =
                    Graph.builder().add("first", new Linear(4, 4)).add("early", gain());
            if (type.equals("Div")) {
                builder.add("far from zero", new Affine(0.1, 3), "first");
            }
            Graph graph = builder.add(new Graph.Node("layer", module, inputs, Frozen.NONE, Map.of()))
                    .add("late", gain())
                    .build();
            Shape out;
            try (Model model = backpack.model(graph, poisson(), DType.FLOAT64, sample)) {
                out = model.outputShape();
            }
            Map<String, double[]> whole =
                    run(graph, poisson(), sample, out.prepend(N), PassOptions.DEFAULT, requests());
            for (String parameter : List.of("first.weight", "first.bias", "early.gain", "late.gain")) {
                assertRatios(whole, parameter);
            }
            assertSame(run(graph, poisson(), sample, out.prepend(N), PassOptions.DEFAULT.chunk(2), requests()), whole);
        }
    }

    @Test
    void the_module_and_the_extension_work_with_every_loss() {
        Graph graph = Graph.builder()
                .add("gain", gain())
                .add("last", new Linear(4, 3))
                .build();
        for (String type : backpack.catalog().lossTypes()) {
            Map<String, Object> required = type.equals("GaussianNLLLoss") ? Map.of("var", 0.5) : Map.of();
            Loss loss = backpack.catalog().loss(new LossDescription(type, required));
            Shape targets = isOfClasses(loss) ? Shape.of(N) : Shape.of(N, 3);
            Map<String, double[]> results = run(graph, loss, Shape.of(4), targets, PassOptions.DEFAULT, requests());
            assertRatios(results, "gain.gain");
            assertRatios(results, "last.weight");
        }
    }

    private static boolean isOfClasses(Loss loss) {
        return loss instanceof CrossEntropyLoss || loss instanceof NLLLoss;
    }

    @Test
    void the_gradient_is_the_slope_of_the_loss() {
        Graph graph = Graph.builder()
                .add("first", new Linear(4, 3))
                .add("gain", gain())
                .build();
        double[] inputs = new Random(3).doubles(N * 4, -1, 1).toArray();
        double[] targets = new Random(4).ints(N * 3, 0, 3).asDoubleStream().toArray();
        try (Model model = backpack.model(graph, poisson(), DType.FLOAT64, Shape.of(4));
                Batch batch = backpack.batch(DType.FLOAT64)
                        .input("input", Shape.of(N, 4), inputs)
                        .targets(Shape.of(N, 3), targets)
                        .build()) {
            model.parameters().initialize(7);
            double[] gain = model.parameters().get("gain.gain").toDoubleArray();
            assertThat(gain).containsOnly(1.5);
            List<Double> losses = new ArrayList<>();
            double[] gradient;
            try (Results results = backpack.compute(model, batch)) {
                gradient = results.gradient("gain.gain").toDoubleArray();
            }
            for (double step : new double[] {1e-5, -1e-5}) {
                double[] moved = gain.clone();
                moved[1] += step;
                model.parameters().set("gain.gain", moved);
                try (Results results = backpack.compute(model, batch)) {
                    losses.add(results.loss());
                }
            }
            assertThat((losses.get(0) - losses.get(1)) / 2e-5).isCloseTo(gradient[1], within(1e-8));
        }
    }

    @Test
    void arguments_and_limits_are_reported_as_for_own_parts() {
        assertThatThrownBy(() -> backpack.catalog().module("node '1' (Gain)", "Gain", Map.of("inital", 2)))
                .isInstanceOf(BackpackException.class)
                .hasMessage("[UnknownArgument] Node '1' (Gain) has no argument 'inital'. It takes: initial.");
        assertThatThrownBy(() -> backpack.catalog().loss(new LossDescription("PoisonLoss", Map.of())))
                .hasMessageContaining("Did you mean 'PoissonLoss'?");
    }
}
