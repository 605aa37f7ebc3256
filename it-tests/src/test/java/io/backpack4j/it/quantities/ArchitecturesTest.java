// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.backpack4j.ext.firstorder.BatchL2Grad;
import io.backpack4j.formats.ModelFile;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.BatchBuilder;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.NodeDescription;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Well-known architectures, exported from PyTorch, against loss, output and gradients of PyTorch 2.15 in float64.
 * Written by {@code tools/pytorch/tests/fixtures.py}; parameters and batches are those of {@link CounterNumbers}.
 */
class ArchitecturesTest {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final double TOLERANCE = 1e-9;

    private static BackPack backpack;

    @BeforeAll
    static void open() {
        backpack = BackPack.builder().backend("cpu").build();
    }

    @AfterAll
    static void close() {
        assertThat(backpack.backend().memory().openTensors()).isZero();
        backpack.close();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "resnet18",
                "resnet50",
                "vgg11",
                "densenet",
                "mobilenet_v3",
                "efficientnet",
                "convnext",
                "unet",
                "vit",
                "gpt",
                "lstm_tagger",
                "encoder",
                "autoencoder",
                "dense_autoencoder",
                "multi_label"
            })
    void agree_with_pytorch(String name) throws IOException {
        JsonNode fixture = read(name);
        ModelDescription description = ModelFile.parse(fixture.get("model").toString(), name);
        Set<String> missing = new TreeSet<>(
                description.nodes().stream().map(NodeDescription::type).toList());
        missing.removeAll(backpack.catalog().moduleTypes());
        assumeTrue(missing.isEmpty(), () -> "it needs modules that are not on the class path: " + missing);
        Shape input = shape(fixture.get("input"));
        try (Model model = backpack.model(description, DType.FLOAT64, input.dropFirst(1));
                Batch batch = batch(fixture, input)) {
            fill(model);
            try (Results results = backpack.compute(model, batch)) {
                check(fixture, model, results);
            }
        }
    }

    /** Squared norms of every sample's gradient, against passes with one sample each. */
    @ParameterizedTest
    @ValueSource(strings = {"resnet18", "mobilenet_v3", "efficientnet", "convnext", "unet"})
    void have_gradients_of_single_samples(String name) throws IOException {
        JsonNode fixture = read(name);
        ModelDescription description = ModelFile.parse(fixture.get("model").toString(), name);
        Shape input = shape(fixture.get("input"));
        int samples = (int) input.size(0);
        double[] inputs = inputs(input);
        long[] targets = targets(fixture);
        BatchL2Grad norms = new BatchL2Grad();
        try (Model model = backpack.model(description, DType.FLOAT64, input.dropFirst(1));
                Batch whole = batch(fixture, input)) {
            fill(model);
            try (Results results = backpack.compute(model, whole, norms)) {
                for (int sample = 0; sample < samples; sample++) {
                    int size = inputs.length / samples;
                    int wanted = targets.length / samples;
                    long[] target = Arrays.copyOfRange(targets, sample * wanted, (sample + 1) * wanted);
                    try (Batch one = backpack.batch(DType.FLOAT64)
                                    .input(
                                            "input",
                                            input.with(0, 1),
                                            Arrays.copyOfRange(inputs, sample * size, (sample + 1) * size))
                                    .targets(shape(fixture.get("target")).with(0, 1), target)
                                    .build();
                            Results alone = backpack.compute(model, one)) {
                        for (String parameter : model.parameters().trainable()) {
                            double expected = square(alone.gradient(parameter)) / samples / samples;
                            double actual = results.get(norms, parameter).toDoubleArray()[sample];
                            assertThat(actual).as(parameter).isCloseTo(expected, within(TOLERANCE * expected));
                        }
                    }
                }
            }
        }
    }

    /** Sets everything but counters of batches, which no result depends on. */
    private static void fill(Model model) {
        model.parameters().initialize(0);
        for (String parameter : model.parameters().names()) {
            ParameterSpec spec = model.parameters().spec(parameter);
            if (!spec.isInteger()) {
                model.parameters().set(parameter, CounterNumbers.tensor(parameter, spec.shape()));
            }
        }
    }

    private static void check(JsonNode fixture, Model model, Results results) {
        double loss = fixture.get("loss").asDouble();
        assertThat(results.loss()).isCloseTo(loss, within(TOLERANCE * loss));
        double[] output = results.output().toDoubleArray();
        double[] expected = numbers(fixture.get("output"));
        double largest = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
        assertThat(Arrays.copyOf(output, expected.length)).containsExactly(expected, within(TOLERANCE * largest));
        List<String> gradients = new ArrayList<>();
        fixture.get("gradients").fieldNames().forEachRemaining(gradients::add);
        assertThat(model.parameters().trainable()).containsExactlyInAnyOrderElementsOf(gradients);
        for (String parameter : gradients) {
            double[] gradient = results.gradient(parameter).toDoubleArray();
            double[] weights = CounterNumbers.uniform("r/" + parameter, gradient.length);
            double product = 0;
            for (int i = 0; i < gradient.length; i++) {
                product += gradient[i] * weights[i];
            }
            double[] normAndProduct = numbers(fixture.get("gradients").get(parameter));
            double norm = Math.sqrt(square(results.gradient(parameter)));
            assertThat(norm).as(parameter).isCloseTo(normAndProduct[0], within(TOLERANCE * normAndProduct[0]));
            // an inner product with numbers of at most 1 may cancel, and is as exact as the norms are
            double bound = TOLERANCE * normAndProduct[0] * Math.sqrt(gradient.length);
            assertThat(product).as(parameter).isCloseTo(normAndProduct[1], within(bound));
        }
    }

    private static Batch batch(JsonNode fixture, Shape input) {
        long below = fixture.get("input").get("integers_below").asLong();
        BatchBuilder builder = backpack.batch(DType.FLOAT64);
        if (below > 0) {
            builder.input("input", input, CounterNumbers.integers("input", (int) input.elements(), below));
        } else {
            builder.input("input", input, inputs(input));
        }
        Shape target = shape(fixture.get("target"));
        double[] numbers = CounterNumbers.uniform("target", (int) target.elements());
        return switch (fixture.get("target").get("kind").asText()) {
            case "classes" -> builder.targets(target, targets(fixture)).build();
            case "labels" ->
                builder.targets(
                                target,
                                Arrays.stream(numbers).map(it -> it > 0 ? 1 : 0).toArray())
                        .build();
            default -> builder.targets(target, numbers).build();
        };
    }

    private static double[] inputs(Shape input) {
        return Arrays.stream(CounterNumbers.uniform("input", (int) input.elements()))
                .map(it -> 1.5 * it)
                .toArray();
    }

    private static long[] targets(JsonNode fixture) {
        JsonNode target = fixture.get("target");
        return CounterNumbers.integers(
                "target", (int) shape(target).elements(), target.get("classes").asLong());
    }

    private static double square(Tensor gradient) {
        return Arrays.stream(gradient.toDoubleArray()).map(it -> it * it).sum();
    }

    private static Shape shape(JsonNode entry) {
        return Shape.of(Arrays.stream(numbers(entry.get("shape")))
                .mapToLong(it -> (long) it)
                .toArray());
    }

    private static double[] numbers(JsonNode list) {
        double[] numbers = new double[list.size()];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = list.get(i).asDouble();
        }
        return numbers;
    }

    private static JsonNode read(String name) throws IOException {
        String resource = "/architectures/" + name + ".json";
        try (InputStream stream = Objects.requireNonNull(ArchitecturesTest.class.getResourceAsStream(resource))) {
            return JSON.readTree(stream);
        }
    }
}
