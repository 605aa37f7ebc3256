// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.commandline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.formats.IdxFile;
import io.backpack4j.formats.Safetensors;
import io.backpack4j.spi.tensor.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code train} on small files, and {@code predict} with what it wrote. */
class TrainTest {

    private static final String PICTURES = """
            {"nodes": [{"name": "0", "type": "Flatten"}, {"name": "1", "type": "Linear", "in_features": 16, "out_features": 2}],
             "loss": {"type": "CrossEntropyLoss", "reduction": "mean"}}
            """;
    private static final String IMAGES = "images.idx";

    @TempDir
    private Path directory;

    private Run train(String... options) {
        List<String> arguments = new ArrayList<>(List.of("train"));
        arguments.addAll(List.of(options));
        return Run.of(arguments.toArray(String[]::new));
    }

    private String path(String name) {
        return directory.resolve(name).toString();
    }

    private static void assertSucceeded(Run run) {
        assertThat(run.err()).isEmpty();
        assertThat(run.code()).isZero();
    }

    private double[] doubles(String file, String tensor) {
        try (Safetensors tensors = Safetensors.open(directory.resolve(file))) {
            return tensors.readDoubles(tensor);
        }
    }

    /** The first batch is the workspace's: its gradient is what 'evaluate' says. */
    @Test
    void batches_are_taken_as_they_are() throws IOException {
        Workspace workspace = new Workspace(directory);
        assertSucceeded(workspace.run());
        TensorFile batches = new TensorFile();
        batches.put("step0/input", new long[] {4, 2}, 0.5, -1, 2, 0.25, -0.75, 1, 1.5, -2);
        batches.put("step0/target", new long[] {4}, 0, 1, 1, 0);
        batches.put("step1/input", new long[] {1, 2}, 3.0, -1);
        batches.put("step1/target", new long[] {1}, 1);
        double[] start = {0.1, -0.2, 0.3, 0.4, -0.5, 0.6};
        batches.put("0.weight", new long[] {3, 2}, start);
        batches.put("0.bias", new long[] {3}, 0.1, 0.2, -0.3);
        batches.put("2.weight", new long[] {2, 3}, 0.7, -0.8, 0.9, -0.1, 0.2, 0.3);
        batches.put("2.bias", new long[] {2}, 0.5, -0.5);
        batches.write(directory.resolve("b.safetensors"));
        assertSucceeded(train(
                "--model",
                path("model.json"),
                "--batches",
                path("b.safetensors"),
                "--optimizer",
                "SGD(lr=0.25)",
                "--max-steps",
                "1",
                "--extensions",
                "BatchL2Grad",
                "--out",
                path("run")));
        double[] gradient = doubles("results.safetensors", "0.weight/grad");
        double[] trained = doubles("run/model.safetensors", "0.weight");
        for (int i = 0; i < trained.length; i++) {
            assertThat(trained[i]).isCloseTo(start[i] - 0.25 * gradient[i], within(1e-15));
        }
        List<String> log = Files.readAllLines(directory.resolve("run/run.jsonl"));
        assertThat(log).hasSize(3);
        assertThat(log.get(0))
                .startsWith("{\"schema\":\"backpack4j run\",\"version\":1,\"model\":")
                .contains("\"optimizer\":\"SGD(lr=0.25,", "\"seed\":0")
                .endsWith("\"parameters\":[\"0.weight\",\"0.bias\",\"2.weight\",\"2.bias\"]}");
        assertThat(log.get(1)).startsWith("{\"step\":0,\"values\":{\"Loss\":0.");
        assertThat(log.get(2)).startsWith("{\"step\":0,\"values\":{\"batch_l2\":[");
        assertSucceeded(train(
                "--model",
                path("model.json"),
                "--batches",
                path("b.safetensors"),
                "--optimizer",
                "SGD(lr=0.25)",
                "--extensions",
                "BatchL2Grad",
                "--out",
                path("run"),
                "--resume"));
        assertThat(Files.readAllLines(directory.resolve("run/run.jsonl")))
                .hasSize(6)
                .last()
                .asString()
                .startsWith("{\"epoch\":1,\"values\":{\"train_loss\":")
                .contains("\"train_accuracy\":", "\"learning_rate\":0.25");
        assertThat(directory.resolve("run/report.html")).isNotEmptyFile();
    }

    /** The update of one step, whose parameters and batch stand in the file. */
    private double[] update(String parameter, double[] start, String... options) {
        List<String> all = new ArrayList<>(List.of("--model", path("model.json"), "--batches", path("b.safetensors")));
        all.addAll(List.of("--optimizer", "SGD(lr=1)", "--max-steps", "1", "--out", path("run")));
        all.addAll(List.of(options));
        assertSucceeded(train(all.toArray(String[]::new)));
        double[] trained = doubles("run/model.safetensors", parameter);
        for (int i = 0; i < trained.length; i++) {
            trained[i] -= start[i];
        }
        return trained;
    }

    @Test
    void gradients_are_clipped_and_groups_trained_in_their_own_way() throws IOException {
        assertThat(new Workspace(directory).file("model.json")).exists();
        double[] start = {0.7, -0.8, 0.9, -0.1, 0.2, 0.3};
        double[] first = {0.1, -0.2, 0.3, 0.4, -0.5, 0.6};
        TensorFile batches = new TensorFile();
        batches.put("step0/input", new long[] {4, 2}, 0.5, -1, 2, 0.25, -0.75, 1, 1.5, -2);
        batches.put("step0/target", new long[] {4}, 0, 1, 1, 0);
        batches.put("0.weight", new long[] {3, 2}, first);
        batches.put("0.bias", new long[] {3}, 0.1, 0.2, -0.3);
        batches.put("2.weight", new long[] {2, 3}, start);
        batches.put("2.bias", new long[] {2}, 0.5, -0.5);
        batches.write(directory.resolve("b.safetensors"));
        double[] free = update("2.weight", start);
        double[] limited = update("2.weight", start, "--clip-value", "0.01");
        for (int i = 0; i < free.length; i++) {
            assertThat(limited[i]).isCloseTo(Math.max(-0.01, Math.min(0.01, free[i])), within(1e-12));
        }
        String[] grouped = {
            "--clip-norm", "0.001", "--group", "parameters=[0.*],frozen=true", "--group", "parameters=[2.bias],lr=0"
        };
        double[] scaled = update("2.weight", start, grouped);
        double[] bias = update("2.bias", new double[] {0.5, -0.5});
        double norm = 0;
        for (double value : free) {
            norm += value * value;
        }
        for (double value : bias) {
            norm += value * value;
        }
        // The norm is that of what is trained, with PyTorch's 1e-6 in the denominator; a rate of 0 is trained, too.
        double factor = 0.001 / (Math.sqrt(norm) + 1e-6);
        for (int i = 0; i < free.length; i++) {
            assertThat(scaled[i]).isCloseTo(factor * free[i], within(1e-12));
        }
        assertThat(update("0.weight", first, grouped)).containsOnly(0);
        assertThat(update("2.bias", new double[] {0.5, -0.5}, grouped)).containsOnly(0);
        // An average begins at the first step's weights.
        assertThat(update("2.weight", start, "--averaging", "0.9")).containsExactly(free, within(1e-12));
        assertThat(update("2.weight", start, "--class-weights", "2,2")).containsExactly(free, within(1e-12));
        assertThat(update("2.weight", start, "--class-weights", "5,0")[0]).isNotCloseTo(free[0], within(1e-3));
        assertThat(Files.readString(directory.resolve("run/model.json"))).contains("5.0");
    }

    @Test
    void runs_end_early_and_images_are_augmented() throws IOException {
        pictures();
        String[] data = {
            "--model", path("pictures.json"), "--data", path(IMAGES) + "," + path("labels.idx"), "--batch", "10"
        };
        List<String> still = new ArrayList<>(List.of(data));
        still.addAll(List.of("--optimizer", "SGD(lr=0)", "--early-stopping", "2", "--monitor", "valid_accuracy"));
        still.addAll(List.of("--valid", "0.25", "--out", path("still")));
        Run stopped = train(still.toArray(String[]::new));
        assertSucceeded(stopped);
        assertThat(stopped.out()).contains("Stopped: not better for 2 validations.", "9 steps were taken.");

        List<String> noisy = new ArrayList<>(List.of(data));
        noisy.addAll(List.of("--optimizer", "SGD(lr=0.5)", "--evidence-stopping", "1", "--epochs", "200"));
        noisy.addAll(List.of("--class-weights", "balanced", "--out", path("noisy")));
        Run ended = train(noisy.toArray(String[]::new));
        assertSucceeded(ended);
        assertThat(ended.out()).contains("Stopped: the evidence criterion was above 0 over 1 windows");
        assertThat(Files.readString(directory.resolve("noisy/run.jsonl"))).contains("\"Evidence\":");
        assertThat(Files.readString(directory.resolve("noisy/model.json"))).contains("\"weight\"");

        List<byte[]> models = new ArrayList<>();
        for (String augmentation : List.of("", "--flip", "--crop=1", "--crop=1")) {
            List<String> options = new ArrayList<>(List.of(data));
            options.addAll(List.of("--epochs", "1", "--out", path("augmented")));
            if (!augmentation.isEmpty()) {
                options.add(augmentation);
            }
            assertSucceeded(train(options.toArray(String[]::new)));
            models.add(Files.readAllBytes(directory.resolve("augmented/model.safetensors")));
        }
        assertThat(models.get(1)).isNotEqualTo(models.get(0));
        assertThat(models.get(2)).isNotEqualTo(models.get(0)).isEqualTo(models.get(3));
    }

    /** Bright above or below; the classes of 40 images. */
    private byte[] pictures() throws IOException {
        Random random = new Random(4);
        byte[] pixels = new byte[40 * 16];
        byte[] labels = new byte[40];
        random.nextBytes(labels);
        for (int n = 0; n < 40; n++) {
            labels[n] = (byte) (labels[n] & 1);
            for (int i = 0; i < 16; i++) {
                pixels[16 * n + i] = (byte) (random.nextInt(120) + (i / 8 == labels[n] ? 100 : 0));
            }
        }
        IdxFile.of(Shape.of(40, 4, 4), pixels).write(directory.resolve(IMAGES));
        IdxFile.of(Shape.of(40), labels).write(directory.resolve("labels.idx"));
        Files.writeString(directory.resolve("pictures.json"), PICTURES);
        return labels;
    }

    /** What a run writes can be recomputed by predict, which normalises as the run did. */
    @Test
    void a_run_is_recomputed_by_predict() throws IOException {
        byte[] labels = pictures();
        String[] options = {
            "--model",
            path("pictures.json"),
            "--data",
            path(IMAGES) + "," + path("labels.idx"),
            "--valid",
            "0.25",
            "--epochs",
            "6",
            "--batch",
            "10",
            "--optimizer",
            "Adam(lr=0.05)",
            "--out",
            path("run")
        };
        Run run = train(options);
        assertSucceeded(run);
        assertThat(run.out()).contains("epoch 6/6", "held-out accuracy", "samples/s");
        byte[] model = Files.readAllBytes(directory.resolve("run/model.safetensors"));
        byte[] log = Files.readAllBytes(directory.resolve("run/run.jsonl"));
        assertSucceeded(Run.of(
                "predict", "--model", path("run"), "--data", path(IMAGES), "--out", path("predicted.safetensors")));
        double[] outputs = doubles("predicted.safetensors", "output");
        double right = 0;
        for (int n = 30; n < 40; n++) {
            right += (outputs[2 * n + 1] > outputs[2 * n] ? 1 : 0) == labels[n] ? 1 : 0;
        }
        List<String> lines = Files.readAllLines(directory.resolve("run/run.jsonl"));
        assertThat(lines.get(lines.size() - 1)).contains("\"valid_accuracy\":" + right / 10 + ",");
        assertThat(right).isGreaterThan(8);
        assertSucceeded(train(options));
        assertThat(directory.resolve("run/model.safetensors")).hasBinaryContent(model);
        assertThat(directory.resolve("run/run.jsonl")).hasBinaryContent(log);
    }

    @Test
    void mistakes_are_named() {
        Workspace workspace = new Workspace(directory);
        assertThat(workspace.file("model.json")).exists();
        assertThat(train("--optimizer", "Adma(lr=1)", "--out", path("run")).err())
                .contains("Adma", "Adam, AdamW");
        assertThat(train("--optimizer", "Adam(learning_rate=1)", "--out", path("run"))
                        .err())
                .contains("[UnknownArgument] Optimizer Adam has no argument 'learning_rate'");
        assertThat(train("--schedule", "StepLR(gamma=1)", "--out", path("run")).err())
                .contains("[MissingArgument] Schedule StepLR needs the argument 'step_size'");
        assertThat(train("--resume", "--out", path("nothing")).err()).startsWith("backpack: [NoCheckpoint]");
        assertThat(train("--group", "lr=1", "--out", path("run")).err()).contains("[InvalidOption] The group 'lr=1'");
        assertThat(train("--group", "parameters=[x.*]", "--out", path("run")).err())
                .contains("[UnknownParameter] No trained parameter is called 'x.*'");
        assertThat(train("--group", "parameters=[*],rate=1", "--out", path("run"))
                        .err())
                .contains("[UnknownArgument] Parameter group has no argument 'rate'", "frozen, lr, parameters");
        assertThat(train("--clip-norm", "0", "--out", path("run")).err()).contains("norm of gradients is 0");
        assertThat(train("--averaging", "1.5", "--out", path("run")).err()).contains("averaged weights is 1.5");
        assertThat(train("--monitor", "valid_acuracy", "--max-steps", "80", "--out", path("run"))
                        .err())
                .contains("[UnknownMetric]", "valid_accuracy");
        assertThat(train("--class-weights", "1,x", "--out", path("run")).err()).contains("'balanced' or a number");
        assertThat(train("--class-weights", "1,2", "--out", path("run")).err()).contains("weight");
        assertThat(train("--model", "charlm", "--flip", "--out", path("run")).err())
                .contains("--crop and --flip");
        if (!Files.exists(Path.of("/usr/share/datasets/fashion-mnist"))) {
            assertThat(train("--data", "fashion-mnist", "--out", path("run")).err())
                    .contains("[InvalidOption] Fashion-MNIST is not installed", "package dataset-fashion-mnist");
        }
        assertThat(train("--batches", "b.safetensors", "--data", "d.csv").err()).contains("--batches names all");
    }
}
