// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.backpack4j.formats.ModelFile;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.BatchBuilder;
import io.backpack4j.kernel.Model;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/**
 * A well-known architecture with its batch, written by {@code tools/pytorch/tests/fixtures.py}; numbers are those of
 * {@link CounterNumbers}.
 *
 * @param name the file's
 * @param fixture what the file holds
 */
record Architecture(String name, JsonNode fixture) {

    /** All of them. */
    static final List<String> NAMES = List.of(
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
            "multi_label");

    private static final ObjectMapper JSON = new ObjectMapper();

    static Architecture read(String name) {
        String resource = "/architectures/" + name + ".json";
        try (InputStream stream = Objects.requireNonNull(Architecture.class.getResourceAsStream(resource))) {
            return new Architecture(name, JSON.readTree(stream));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    Shape input() {
        return shape(fixture.get("input"));
    }

    Shape target() {
        return shape(fixture.get("target"));
    }

    int samples() {
        return (int) input().size(0);
    }

    /** The model, everything set but counters of batches, which no result depends on. */
    Model model(BackPack backpack, DType dtype) {
        Model model =
                backpack.model(ModelFile.parse(fixture.get("model").toString(), name), dtype, input().dropFirst(1));
        model.parameters().initialize(0);
        for (String parameter : model.parameters().names()) {
            ParameterSpec spec = model.parameters().spec(parameter);
            if (!spec.isInteger()) {
                model.parameters().set(parameter, CounterNumbers.tensor(parameter, spec.shape()));
            }
        }
        return model;
    }

    /** The whole batch. */
    Batch batch(BackPack backpack, DType dtype) {
        return batch(backpack, dtype, 0, samples());
    }

    /** Some neighbouring samples of the batch. */
    Batch batch(BackPack backpack, DType dtype, int from, int to) {
        BatchBuilder builder = backpack.batch(dtype);
        long below = fixture.get("input").get("integers_below").asLong();
        Shape shape = input().with(0, to - from);
        int size = (int) input().elements();
        if (below > 0) {
            builder.input("input", shape, part(CounterNumbers.integers("input", size, below), from, to));
        } else {
            double[] numbers = CounterNumbers.uniform("input", size);
            builder.input(
                    "input",
                    shape,
                    part(Arrays.stream(numbers).map(it -> 1.5 * it).toArray(), from, to));
        }
        Shape targets = target().with(0, to - from);
        int count = (int) target().elements();
        double[] numbers = CounterNumbers.uniform("target", count);
        return switch (fixture.get("target").get("kind").asText()) {
            case "classes" -> {
                long classes = fixture.get("target").get("classes").asLong();
                yield builder.targets(targets, part(CounterNumbers.integers("target", count, classes), from, to))
                        .build();
            }
            case "labels" ->
                builder.targets(
                                targets,
                                part(
                                        Arrays.stream(numbers)
                                                .map(it -> it > 0 ? 1 : 0)
                                                .toArray(),
                                        from,
                                        to))
                        .build();
            default -> builder.targets(targets, part(numbers, from, to)).build();
        };
    }

    private double[] part(double[] all, int from, int to) {
        int size = all.length / samples();
        return Arrays.copyOfRange(all, from * size, to * size);
    }

    private long[] part(long[] all, int from, int to) {
        int size = all.length / samples();
        return Arrays.copyOfRange(all, from * size, to * size);
    }

    private static Shape shape(JsonNode entry) {
        return Shape.of(Arrays.stream(numbers(entry.get("shape")))
                .mapToLong(size -> (long) size)
                .toArray());
    }

    /** A list of numbers. */
    static double[] numbers(JsonNode list) {
        double[] numbers = new double[list.size()];
        Arrays.setAll(numbers, i -> list.get(i).asDouble());
        return numbers;
    }
}
