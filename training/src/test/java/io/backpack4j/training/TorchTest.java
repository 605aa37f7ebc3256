// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.formats.Safetensors;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.Tanh;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.ArraySource;
import io.backpack4j.training.data.HostTensor;
import io.backpack4j.training.files.TrainingExpressions;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Optimisers and schedules beside PyTorch's, in float64; {@code torch_trajectories.py} wrote the files. */
class TorchTest {

    private static final double TOLERANCE = 1e-10;

    private static BackPack backpack;
    private static Safetensors optimizers;
    private static Safetensors schedules;

    @BeforeAll
    static void open() {
        backpack = BackPack.create();
        optimizers = file("torch-optimizers.safetensors");
        schedules = file("torch-schedules.safetensors");
    }

    @AfterAll
    static void close() {
        schedules.close();
        optimizers.close();
        backpack.close();
    }

    private static Safetensors file(String name) {
        try {
            return Safetensors.open(Path.of(
                    Objects.requireNonNull(TorchTest.class.getResource(name)).toURI()));
        } catch (URISyntaxException e) {
            throw new AssertionError(e);
        }
    }

    static Stream<String> trajectories() {
        return optimizers.tensors().keySet().stream()
                .filter(name -> name.contains("("))
                .sorted();
    }

    static Stream<String> rates() {
        return schedules.tensors().keySet().stream()
                .filter(name -> name.contains("("))
                .sorted();
    }

    @ParameterizedTest
    @MethodSource("trajectories")
    void parametersMoveAsInPyTorch(String name) {
        String[] parts = name.split(";");
        String extra = parts.length > 1 ? parts[1] : "";
        try (Model model = network()) {
            List<double[]> path = new ArrayList<>();
            Trainer.Builder builder = Trainer.builder(backpack, model)
                    .optimizer(TrainingExpressions.optimizer(backpack.catalog(), parts[0]))
                    .batch(8)
                    .shuffle(false);
            if (extra.startsWith("clip_norm=")) {
                builder.clipNorm(Double.parseDouble(extra.substring(10)));
            } else if (extra.startsWith("clip_value=")) {
                builder.clipValue(Double.parseDouble(extra.substring(11)));
            } else if (extra.equals("groups")) {
                builder.group(ParameterGroup.of("0.bias").freeze())
                        .group(ParameterGroup.of("0.*").learningRate(0.02).weightDecay(0.1));
            } else if (extra.contains("LR(")) {
                builder.schedule(TrainingExpressions.schedule(backpack.catalog(), extra));
            }
            long[] kept = optimizers.readLongs("kept");
            if (extra.startsWith("ema=")) {
                // The model has the averages once the run ends.
                builder.averaging(Double.parseDouble(extra.substring(4))).epochs(kept[kept.length - 1] + 1);
            } else {
                builder.listener(new TrainingListener() {
                    @Override
                    public void onStepped(TrainingStep step) {
                        if (Arrays.stream(kept).anyMatch(number -> number == step.number())) {
                            path.add(flat(model));
                        }
                    }
                });
                builder.epochs(50);
            }
            builder.build()
                    .fit(ArraySource.of(
                            new HostTensor.Doubles(Shape.of(8, 4), optimizers.readDoubles("input")),
                            new HostTensor.Longs(Shape.of(8), optimizers.readLongs("target"))));
            double[] expected = optimizers.readDoubles(name);
            if (extra.startsWith("ema=")) {
                double[] last = Arrays.copyOfRange(expected, expected.length - 43, expected.length);
                assertThat(flat(model)).containsExactly(last, within(TOLERANCE));
                return;
            }
            assertThat(path).hasSize(kept.length);
            for (int i = 0; i < kept.length; i++) {
                double[] there = Arrays.copyOfRange(expected, 43 * i, 43 * (i + 1));
                assertThat(path.get(i)).as("after step %d", kept[i]).containsExactly(there, within(TOLERANCE));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("rates")
    void ratesAreThoseOfPyTorch(String expression) {
        Schedule.Rates rates =
                TrainingExpressions.schedule(backpack.catalog(), expression).start(0.1);
        double[] metric = schedules.readDoubles("metric");
        double[] expected = schedules.readDoubles(expression);
        for (int n = 0; n < metric.length; n++) {
            assertThat(rates.rate()).as("rate %d", n).isCloseTo(expected[2 * n], within(1e-13));
            assertThat(rates.momentum().orElse(0.9)).as("momentum %d", n).isCloseTo(expected[2 * n + 1], within(1e-13));
            rates.advance(metric[n]);
        }
    }

    private static Model network() {
        Graph graph = Graph.sequential(new Linear(4, 5), new Tanh(), new Linear(5, 3));
        Model model = backpack.model(graph, new CrossEntropyLoss(), DType.FLOAT64, Shape.of(4));
        for (String parameter : model.parameters().names()) {
            model.parameters().set(parameter, optimizers.readDoubles(parameter));
        }
        return model;
    }

    private static double[] flat(Model model) {
        return model.parameters().trainable().stream()
                .flatMapToDouble(
                        name -> Arrays.stream(model.parameters().get(name).toDoubleArray()))
                .toArray();
    }
}
