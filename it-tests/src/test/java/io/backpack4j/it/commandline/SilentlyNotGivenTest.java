// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.commandline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.ext.firstorder.BatchGrad;
import io.backpack4j.ext.secondorder.KFAC;
import io.backpack4j.formats.DataFile;
import io.backpack4j.formats.ModelFile;
import io.backpack4j.formats.Safetensors;
import io.backpack4j.formats.SafetensorsWriter;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.SessionOptions;
import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.extension.TensorExtension;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What is asked for is given or refused, and files that hold what is needed are taken: cases in {@code
 * resources/faults} with their right values.
 */
class SilentlyNotGivenTest {

    private static final String FROZEN = "all-frozen-silent";

    @TempDir
    private Path directory;

    @Test
    void extensions_of_a_frozen_model_are_refused() {
        Run run = evaluate(fault(FROZEN), "--extensions", "BatchGrad,KFAC");
        assertThat(run.code()).isEqualTo(1);
        assertThat(run.err())
                .isEqualTo(
                        "backpack: [NoParameters] No parameter of the model is trained, so that there is nothing to compute for"
                                + " BatchGrad, KFAC. Frozen by requires_grad: [0.bias, 0.weight]. Train one, or ask for no extensions"
                                + " to have the loss and the output.\n");
        assertThat(result()).doesNotExist();
    }

    @Test
    void a_frozen_model_without_extensions_has_loss_and_output() {
        assertSucceeded(evaluate(fault(FROZEN)));
        assertEqualsExpected(fault(FROZEN));
        try (Safetensors results = Safetensors.open(result())) {
            assertThat(results.tensors()).containsOnlyKeys("loss", "output", "loss_batch");
        }
    }

    @Test
    void in_java_extensions_of_a_frozen_model_are_refused() {
        ModelDescription description = ModelFile.read(fault(FROZEN).resolve("model.json"));
        try (BackPack backpack = BackPack.create();
                Safetensors file = Safetensors.open(fault(FROZEN).resolve("data.safetensors"));
                DataFile.Loaded loaded = new DataFile("d", file, description).load(backpack, DType.FLOAT64)) {
            assertThatThrownBy(() -> backpack.compute(loaded.model(), loaded.batch(), new BatchGrad(), new KFAC()))
                    .hasMessageStartingWith("[NoParameters] No parameter of the model is trained");
            assertThatThrownBy(() -> backpack.session(loaded.model(), new BatchGrad()))
                    .hasMessageStartingWith("[NoParameters] No parameter of the model is trained");
            try (Results results = backpack.compute(loaded.model(), loaded.batch())) {
                assertThat(results.tensors()).containsOnlyKeys("loss", "output", "loss_batch");
            }
        }
    }

    @Test
    void in_java_every_pattern_picks_a_trained_parameter_and_every_extension_computes() {
        ModelDescription description = ModelFile.parse(Workspace.MODEL, "m");
        Workspace workspace = new Workspace(directory);
        try (BackPack backpack = BackPack.create();
                Safetensors file = Safetensors.open(workspace.file("data.safetensors"));
                DataFile.Loaded loaded = new DataFile("d", file, description).load(backpack, DType.FLOAT64)) {
            List<Request<?>> requests = List.of(Request.of(new BatchGrad()).only("0.*", "5.*"));
            assertThatThrownBy(() -> backpack.plan(loaded.model(), loaded.batch(), requests, PassOptions.DEFAULT))
                    .hasMessageStartingWith("[NoParameters] BatchGrad is asked for parameters [5.*], but no trained");
            assertThatThrownBy(() -> backpack.session(loaded.model(), requests, SessionOptions.DEFAULT))
                    .hasMessageStartingWith("[NoParameters] BatchGrad is asked for parameters [5.*], but no trained");
            assertThatThrownBy(() -> backpack.compute(loaded.model(), loaded.batch(), new OfRank(7)))
                    .hasMessage(
                            "[NoParameters] OfRank computes nothing for the parameters it is asked for: [0.weight, 0.bias,"
                                    + " 2.weight, 2.bias]. Ask for others, or leave it out.");
            try (Results results = backpack.compute(loaded.model(), loaded.batch(), new OfRank(1))) {
                assertThat(results.tensors()).containsKeys("0.bias/of_rank", "2.bias/of_rank");
            }
        }
    }

    /** Leaves parameters of another rank out. */
    private record OfRank(int rank) implements TensorExtension {

        @Override
        public String resultName() {
            return "of_rank";
        }

        @Override
        public void declare(int stage, SiteDeclaration site) {
            if (site.shape().rank() == rank) {
                site.accumulate("sum", new LossGradient(), new Contraction.Sum());
            }
        }

        @Override
        public Tensor finish(SitePartial partial) {
            Tensor sum = partial.tensor("sum");
            return partial.scope().view(sum, partial.shape());
        }
    }

    @Test
    void byte_order_marks_are_skipped() {
        Path fault = fault("json-bom");
        assertSucceeded(evaluate(fault, "--extensions", "BatchGrad,BatchL2Grad,SumGradSquared,Variance"));
        assertEqualsExpected(fault);
    }

    /** The remedy is one that helps. */
    @Test
    void batch_norms_are_refused_with_a_remedy_that_exists() throws IOException {
        Path fault = fault("hint-names-missing-module");
        Run run = evaluate(fault, "--extensions", "BatchGrad");
        assertThat(run.code()).isEqualTo(1);
        assertThat(run.err()).contains("[CoupledSamples]", "\"mode\": \"eval\"").doesNotContain("GroupNorm");
        String model = Files.readString(fault.resolve("model.json"))
                .replace("\"type\": \"BatchNorm1d\"", "\"type\": \"BatchNorm1d\", \"mode\": \"eval\"");
        Path changed = Files.writeString(directory.resolve("changed.json"), model, StandardCharsets.UTF_8);
        assertSucceeded(Run.of(
                "evaluate",
                "--model",
                changed.toString(),
                "--data",
                fault.resolve("data.safetensors").toString(),
                "--extensions",
                "BatchGrad",
                "--out",
                result().toString()));
    }

    /** 1000 classes and 12 images: 37 GB that nobody wanted. */
    @Test
    void results_of_absurd_size_are_refused_before_the_pass() throws IOException {
        int samples = 12;
        int pixels = 784;
        int classes = 1000;
        Path model = directory.resolve("large.json");
        Files.writeString(
                model,
                "{\"nodes\": [{\"name\": \"0\", \"type\": \"Linear\", \"in_features\": %d, \"out_features\": %d}], \"loss\": {\"type\": \"CrossEntropyLoss\"}}"
                        .formatted(pixels, classes));
        Path data = directory.resolve("large.safetensors");
        try (SafetensorsWriter writer = SafetensorsWriter.to(data)
                .tensor("input", DType.FLOAT32, Shape.of(samples, pixels))
                .tensor("target", DType.INT64, Shape.of(samples))
                .tensor("0.weight", DType.FLOAT32, Shape.of(classes, pixels))
                .tensor("0.bias", DType.FLOAT32, Shape.of(classes))
                .open()) {
            writer.write("input", 0, new double[samples * pixels], 0, samples * pixels);
            writer.write("target", 0, new long[samples], 0, samples);
            writer.write("0.weight", 0, new double[classes * pixels], 0, classes * pixels);
            writer.write("0.bias", 0, new double[classes], 0, classes);
            writer.commit();
        }
        Run run = Run.of(
                "evaluate",
                "--model",
                model.toString(),
                "--data",
                data.toString(),
                "--extensions",
                "SqrtGGNExact",
                "--out",
                result().toString());
        assertThat(run.code()).isEqualTo(1);
        long root = 4L * classes * samples * classes * pixels;
        long rootOfBias = 4L * classes * samples * classes;
        long rest = 4L * (classes * pixels + classes + samples * classes + samples + 1);
        assertThat(run.err())
                .startsWith(
                        "backpack: [OutputTooLarge] The results would take %d bytes (35.1 GiB), but --max-output allows 8589934592 bytes (8.0 GiB)."
                                .formatted(root + rootOfBias + rest))
                .contains("The largest: '0.weight/sqrt_ggn_exact' [1000, 12, 1000, 784] with %d bytes".formatted(root))
                .contains("subsampling", "parameters=", "--max-output %d.".formatted(root + rootOfBias + rest));
        assertThat(directory).isDirectoryNotContaining("glob:**{results.safetensors,.tmp}");
    }

    @Test
    void a_limit_that_the_message_names_is_enough() {
        Workspace workspace = new Workspace(directory).option("--max-output", "919");
        assertThat(workspace.run().err()).contains("[OutputTooLarge]").contains("--max-output 920.");
        assertSucceeded(workspace.option("--max-output", "920").run());
        try (Safetensors results = Safetensors.open(workspace.file("results.safetensors"))) {
            assertThat(results.tensors().values().stream()
                            .mapToLong(tensor -> tensor.end() - tensor.begin())
                            .sum())
                    .isEqualTo(920);
        }
    }

    /** A state dict has tied parameters twice. */
    @Test
    void tied_parameters_may_stand_in_the_file() {
        double[] square = {0.5, -1, 0.25, 2};
        Workspace workspace = new Workspace(directory)
                .model("""
                        {"nodes": [{"name": "0", "type": "Linear", "in_features": 2, "out_features": 2},
                                   {"name": "1", "type": "Tanh"},
                                   {"name": "2", "type": "Linear", "in_features": 2, "out_features": 2,
                                    "tie": {"weight": "0.weight"}}],
                         "loss": {"type": "CrossEntropyLoss"}}
                        """)
                .tensor("0.weight", new long[] {2, 2}, square)
                .tensor("0.bias", new long[] {2}, 0.1, 0.2)
                .without("2.weight");
        assertSucceeded(workspace.run());
        byte[] alone = bytes(workspace.file("results.safetensors"));
        assertSucceeded(workspace.tensor("2.weight", new long[] {2, 2}, square).run());
        assertThat(bytes(workspace.file("results.safetensors"))).isEqualTo(alone);
        Run run = workspace
                .tensor("2.weight", new long[] {2, 2}, 0.5, -1, 0.25, 2.125)
                .run();
        assertThat(run.code()).isEqualTo(1);
        assertThat(run.err()).contains("[TiedTensor]", "'2.weight'", "'0.weight'", "up to 0.125, at position [1, 1]");
    }

    private static byte[] bytes(Path file) {
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path fault(String name) {
        try {
            return Path.of(Objects.requireNonNull(SilentlyNotGivenTest.class.getResource("/faults/" + name))
                    .toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private Path result() {
        return directory.resolve("results.safetensors");
    }

    private Run evaluate(Path fault, String... more) {
        List<String> arguments = new ArrayList<>(List.of(
                "evaluate",
                "--model",
                fault.resolve("model.json").toString(),
                "--data",
                fault.resolve("data.safetensors").toString(),
                "--out",
                result().toString()));
        arguments.addAll(Arrays.asList(more));
        return Run.of(arguments.toArray(String[]::new));
    }

    private void assertEqualsExpected(Path fault) {
        try (Safetensors expected = Safetensors.open(fault.resolve("expected.safetensors"));
                Safetensors actual = Safetensors.open(result())) {
            assertThat(actual.tensors().keySet())
                    .containsExactlyInAnyOrderElementsOf(expected.tensors().keySet());
            for (String name : expected.tensors().keySet()) {
                double[] right = expected.readDoubles(name);
                double largest = Arrays.stream(right).map(Math::abs).max().orElse(0);
                assertThat(actual.readDoubles(name)).as(name).containsExactly(right, within(1e-8 + 1e-7 * largest));
            }
        }
    }

    private static void assertSucceeded(Run run) {
        assertThat(run.err()).isEmpty();
        assertThat(run.code()).isZero();
    }
}
