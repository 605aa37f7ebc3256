// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.modules.conv.BatchNorm;
import io.backpack4j.modules.linear.Dropout;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.Tanh;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.files.CheckpointFolder;
import io.backpack4j.training.files.JsonLog;
import io.backpack4j.training.files.TrainingExpressions;
import io.backpack4j.training.metric.Accuracy;
import io.backpack4j.training.metric.Auc;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A run that stops and goes on gives the bits of one that did not stop: parameters, buffers and log. */
class ResumeTest {

    private static BackPack backpack;

    @TempDir
    private Path folder;

    @BeforeAll
    static void open() {
        backpack = BackPack.create();
    }

    @AfterAll
    static void close() {
        backpack.close();
    }

    /** Dropout draws from the pass's seed, the batch norm has buffers. */
    private static Model model(BackPack library) {
        Graph graph = Graph.sequential(
                new Linear(4, 6), BatchNorm.of(1, 6, Mode.TRAIN), new Tanh(), new Dropout(0.2), new Linear(6, 3));
        Model model = library.model(graph, new CrossEntropyLoss(), DType.FLOAT32, Shape.of(4));
        model.parameters().initialize(3);
        return model;
    }

    private static Trainer.Builder builder(
            BackPack library, Model model, Path folder, String optimizer, String schedule) {
        return Trainer.builder(library, model)
                .optimizer(TrainingExpressions.optimizer(library.catalog(), optimizer))
                .schedule(TrainingExpressions.schedule(library.catalog(), schedule))
                .epochs(3)
                .batch(8)
                .seed(11)
                .averaging(0.9)
                .metric(new Accuracy())
                .metric(new Auc())
                .validation(Toys.points(20, 9))
                .log(new JsonLog(folder.resolve("run.jsonl"), "toy"))
                .listener(new Counter())
                .checkpoints(new CheckpointFolder(folder.resolve("checkpoint"), 2));
    }

    /** Remembers something from step to step. */
    private static final class Counter implements TrainingListener {

        private double sum;

        @Override
        public void onTrainingBatch(TrainingStep step) {
            sum += step.loss();
            step.training().log().step(step.number(), Map.of("Sum", sum), Map.of());
        }

        @Override
        public void save(State state) {
            state.put("sum", sum);
        }

        @Override
        public void load(State state) {
            sum = state.number("sum");
        }
    }

    private static Map<String, List<Double>> numbers(Model model) {
        Map<String, List<Double>> numbers = new TreeMap<>();
        for (String name : model.parameters().names()) {
            double[] values = model.parameters().get(name).dtype() == DType.INT64
                    ? Arrays.stream(model.parameters().get(name).toLongArray())
                            .asDoubleStream()
                            .toArray()
                    : model.parameters().get(name).toDoubleArray();
            numbers.put(name, Arrays.stream(values).boxed().toList());
        }
        return numbers;
    }

    private static String log(Path folder) {
        try {
            return Files.readString(folder.resolve("run.jsonl"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "SGD(lr=0.1) | constant",
                "SGD(lr=0.1,momentum=0.9,nesterov=true) | CyclicLR(base_lr=0.01,max_lr=0.2,step_size_up=3)",
                "Adam(lr=0.01) | OneCycleLR(max_lr=0.05,total_steps=30)",
                "Adam(lr=0.01,amsgrad=true) | ReduceLROnPlateau(patience=0,threshold=0.5)",
                "AdamW(lr=0.01) | LinearLR(total_iters=4,every=step),StepLR(step_size=2,every=step),SequentialLR(milestones=[4])",
                "RMSprop(lr=0.01,momentum=0.5,centered=true) | StepLR(step_size=1)",
                "Adagrad(lr=0.1) | ExponentialLR(gamma=0.9)"
            })
    void goingOnGivesTheSameBits(String optimizer, String schedule) throws IOException {
        Path whole = Files.createDirectories(folder.resolve("whole"));
        Path parts = Files.createDirectories(folder.resolve("parts"));
        try (Model straight = model(backpack);
                Model stopped = model(backpack);
                Model resumed = model(backpack)) {
            builder(backpack, straight, whole, optimizer, schedule).build().fit(Toys.points(50, 8));
            // Seven batches an epoch: the first stop is in mid-epoch, the second at the end of one.
            builder(backpack, stopped, parts, optimizer, schedule)
                    .maxSteps(9)
                    .build()
                    .fit(Toys.points(50, 8));
            builder(backpack, stopped, parts, optimizer, schedule)
                    .resume(true)
                    .maxSteps(14)
                    .build()
                    .fit(Toys.points(50, 8));
            TrainingResult result = builder(backpack, resumed, parts, optimizer, schedule)
                    .resume(true)
                    .build()
                    .fit(Toys.points(50, 8));
            assertThat(result.steps()).isEqualTo(21);
            assertThat(numbers(resumed)).isEqualTo(numbers(straight));
            assertThat(log(parts)).isEqualTo(log(whole));
        }
    }

    /** What the process that is killed runs. */
    public static final class Victim {

        /** Trains slowly in the folder that is named. */
        public static void main(String... arguments) {
            try (BackPack library = BackPack.create();
                    Model model = model(library)) {
                builder(library, model, Path.of(arguments[0]), "Adam(lr=0.01)", "constant")
                        .checkpointEvery(2)
                        .listener(new TrainingListener() {
                            @Override
                            public void onStepped(TrainingStep step) {
                                try {
                                    Thread.sleep(100);
                                } catch (InterruptedException e) {
                                    Thread.currentThread().interrupt();
                                }
                            }
                        })
                        .build()
                        .fit(Toys.points(50, 8));
            }
        }
    }

    @Test
    void aKilledProcessGoesOn() throws IOException, InterruptedException {
        Path whole = Files.createDirectories(folder.resolve("whole"));
        Path killed = Files.createDirectories(folder.resolve("killed"));
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Dorg.bytedeco.javacpp.maxbytes=0",
                        "-Dorg.bytedeco.javacpp.maxphysicalbytes=0",
                        "-Dguice_custom_class_loading=CHILD",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Victim.class.getName(),
                        killed.toString())
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("output.txt").toFile())
                .start();
        try {
            while (process.isAlive()
                    && checkpoints(killed).stream().noneMatch(name -> name.compareTo("step-000000004") > 0)) {
                Thread.sleep(20);
            }
            assertThat(process.isAlive())
                    .as(Files.readString(folder.resolve("output.txt")))
                    .isTrue();
        } finally {
            process.destroyForcibly().waitFor(60, TimeUnit.SECONDS);
        }
        try (Model straight = model(backpack);
                Model resumed = model(backpack)) {
            builder(backpack, straight, whole, "Adam(lr=0.01)", "constant")
                    .build()
                    .fit(Toys.points(50, 8));
            builder(backpack, resumed, killed, "Adam(lr=0.01)", "constant")
                    .resume(true)
                    .build()
                    .fit(Toys.points(50, 8));
            assertThat(numbers(resumed)).isEqualTo(numbers(straight));
            assertThat(log(killed)).isEqualTo(log(whole));
        }
    }

    private static List<String> checkpoints(Path run) throws IOException {
        Path there = run.resolve("checkpoint");
        if (!Files.isDirectory(there)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(there)) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.startsWith("step-"))
                    .sorted()
                    .toList();
        }
    }

    @Test
    void theLastOnesAreKept() throws IOException {
        try (Model model = model(backpack)) {
            builder(backpack, model, folder, "SGD(lr=0.1)", "constant").build().fit(Toys.points(50, 8));
        }
        assertThat(checkpoints(folder)).containsExactly("step-000000014.safetensors", "step-000000021.safetensors");
        assertThat(folder.resolve("checkpoint/best.safetensors")).exists();
    }

    @Test
    void foreignAndDamagedCheckpointsAreRefusedByName() throws IOException {
        try (Model model = model(backpack)) {
            assertThatThrownBy(() -> builder(backpack, model, folder, "SGD(lr=0.1)", "constant")
                            .resume(true)
                            .build()
                            .fit(Toys.points(50, 8)))
                    .hasMessageStartingWith("[NoCheckpoint]");
            builder(backpack, model, folder, "SGD(lr=0.1)", "constant").build().fit(Toys.points(50, 8));
            assertThatThrownBy(() -> builder(backpack, model, folder, "Adam(lr=0.1)", "constant")
                            .resume(true)
                            .build()
                            .fit(Toys.points(50, 8)))
                    .hasMessageStartingWith("[ForeignCheckpoint]")
                    .hasMessageContaining("SGD");
            try (Model other = Toys.classifier(backpack, DType.FLOAT32)) {
                assertThatThrownBy(() -> builder(backpack, other, folder, "SGD(lr=0.1)", "constant")
                                .resume(true)
                                .build()
                                .fit(Toys.points(50, 8)))
                        .hasMessageStartingWith("[ForeignCheckpoint]")
                        .hasMessageContaining("model/0.weight");
            }
            Path last = folder.resolve("checkpoint/step-000000021.safetensors");
            byte[] bytes = Files.readAllBytes(last);
            Files.write(last, Arrays.copyOf(bytes, bytes.length - 9));
            assertThatThrownBy(() -> builder(backpack, model, folder, "SGD(lr=0.1)", "constant")
                            .resume(true)
                            .build()
                            .fit(Toys.points(50, 8)))
                    .hasMessageStartingWith("[InvalidFile]")
                    .hasMessageContaining("step-000000021.safetensors");
        }
    }
}
