// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.commandline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.backpack4j.formats.ExtensionExpressions;
import io.backpack4j.formats.Safetensors;
import io.backpack4j.formats.SafetensorsType;
import io.backpack4j.formats.TensorInfo;
import io.backpack4j.kernel.BackPack;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** {@code evaluate} on the reference cases, whose results are those of BackPACK on PyTorch. */
class EvaluateTest {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final List<String> QUANTITIES =
            List.of("grad", "grad_batch", "batch_l2", "sum_grad_squared", "variance");
    private static final Set<String> ALWAYS = Set.of("loss", "output", "loss_batch");

    @TempDir
    private Path directory;

    static List<Path> cases() {
        try (Stream<Path> files =
                Files.list(Path.of(Objects.requireNonNull(EvaluateTest.class.getResource("/reference/README.md"))
                                .toURI())
                        .resolveSibling(""))) {
            List<Path> cases = files.filter(file -> file.toString().endsWith(".safetensors"))
                    .filter(EvaluateTest::hasFirstOrder)
                    .sorted()
                    .toList();
            assertThat(cases).hasSizeGreaterThanOrEqualTo(38);
            return cases;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void results_are_those_of_the_reference_in_its_own_type(Path reference) {
        Run run = evaluate(reference, extensions(reference));
        assertSucceeded(run);
        assertThat(run.out()).startsWith("loss ").contains("grad_batch", "variance", "float");
        checkInItsOwnType(reference);
    }

    @ParameterizedTest
    @MethodSource("cases")
    void results_are_those_of_the_reference_in_float32(Path reference) {
        assertSucceeded(evaluate(reference, extensions(reference), "--dtype", "float32", "--threads", "2"));
        check(reference, SafetensorsType.F32, 1e-5, 1e-4);
    }

    @ParameterizedTest
    @MethodSource("cases")
    void results_are_the_same_within_little_memory(Path reference) {
        // More than what is kept, but too little for all samples at once.
        String memory = reference.endsWith("lenet_like.safetensors") ? "256KiB" : "64KiB";
        // Losses without curvature have no Gauss-Newton matrix.
        String curvature = extensions(reference).contains("DiagGGNExact") ? ",DiagGGNExact" : "";
        assertSucceeded(evaluate(reference, "BatchL2Grad,SumGradSquared,Variance" + curvature, "--memory", memory));
        checkInItsOwnType(reference);
    }

    @Test
    void the_result_file_says_where_it_comes_from() {
        Path reference = reference("linear_ce_mean");
        assertSucceeded(evaluate(reference, "Variance", "--seed", "7", "--backend", "cpu"));
        try (Safetensors results = Safetensors.open(result());
                Safetensors file = Safetensors.open(reference)) {
            assertThat(results.metadata())
                    .containsEntry("extensions", "Variance")
                    .containsEntry("model", file.metadata().get("model"))
                    .containsEntry("dtype", "float64")
                    .containsEntry("seed", "7")
                    .containsEntry("backend", "cpu")
                    .containsKey("source");
        }
    }

    @Test
    void operands_that_no_extension_declares_are_refused() {
        Run run = new Workspace(directory)
                .tensor("operand/range/0.weight", new long[] {2}, -1, 1)
                .tensor("operand/scale/*", new long[] {1}, 2)
                .run();
        assertThat(run.code()).isNotZero();
        assertThat(run.err())
                .contains(
                        "[UnknownOperand] The run brings an operand 'range' of parameter '0.weight', which no extension of the pass declares. Declared: none. Leave it out.",
                        "[UnknownOperand] The run brings an operand 'scale' of the network, which no extension of the pass declares. Declared: none. Leave it out.");
        assertThat(result()).doesNotExist();
    }

    @Test
    void extensions_may_be_renamed_and_restricted() {
        Workspace workspace = new Workspace(directory)
                .option("--extensions", "BatchGrad(as=rows,parameters=[0.*]),Variance(parameters=[*.bias,0.weight])");
        assertSucceeded(workspace.run());
        assertThat(names(workspace))
                .containsExactlyInAnyOrder(
                        "loss",
                        "output",
                        "loss_batch",
                        "0.weight/grad",
                        "0.bias/grad",
                        "2.weight/grad",
                        "2.bias/grad",
                        "0.weight/rows",
                        "0.bias/rows",
                        "0.weight/variance",
                        "0.bias/variance",
                        "2.bias/variance");
    }

    @Test
    void one_extension_may_be_asked_for_twice_under_two_names() {
        Workspace workspace = new Workspace(directory)
                .option("--extensions", "BatchGrad(subsampling=[0,2],as=two), BatchGrad(parameters=[2.bias])");
        assertSucceeded(workspace.run());
        try (Safetensors results = Safetensors.open(workspace.file("results.safetensors"))) {
            double[] all = results.readDoubles("2.bias/grad_batch");
            assertThat(results.readDoubles("2.bias/two")).containsExactly(all[0], all[1], all[4], all[5]);
        }
    }

    @Test
    void parameters_restrict_extensions_that_do_not_say_so_themselves() {
        Workspace workspace = new Workspace(directory)
                .option("--extensions", "BatchL2Grad,Variance(parameters=[2.bias])")
                .option("--parameters", "0.weight,0.bias");
        assertSucceeded(workspace.run());
        assertThat(names(workspace))
                .filteredOn(name -> name.contains("/") && !name.endsWith("/grad"))
                .containsExactlyInAnyOrder("0.weight/batch_l2", "0.bias/batch_l2", "2.bias/variance");
        assertThat(names(workspace)).contains("2.weight/grad");
    }

    @Test
    void without_extensions_there_is_the_gradient() {
        Workspace workspace = new Workspace(directory).withoutOption("--extensions");
        assertSucceeded(workspace.run());
        assertThat(names(workspace)).hasSize(7).contains("0.weight/grad");
    }

    @Test
    void results_replace_older_ones() {
        Workspace workspace = new Workspace(directory);
        TensorFile.write(workspace.file("results.safetensors"), new byte[] {1, 2, 3});
        assertSucceeded(workspace.run());
        assertThat(names(workspace)).contains("0.weight/grad_batch");
        assertThat(workspace.files()).hasSize(4);
    }

    private static Path reference(String name) {
        return cases().stream()
                .filter(file -> file.endsWith(name + ".safetensors"))
                .findFirst()
                .orElseThrow();
    }

    /** Those whose results the case has, without those that the class path lacks. */
    private static String extensions(Path reference) {
        try (Safetensors file = Safetensors.open(reference);
                BackPack backpack = BackPack.create()) {
            List<String> known = backpack.catalog().extensionTypes();
            String all = Objects.requireNonNull(file.metadata().get("extensions"));
            List<String> expressions = JSON.readValue(all, new TypeReference<List<String>>() {});
            List<String> selected = expressions.stream()
                    .filter(it ->
                            known.contains(ExtensionExpressions.parse(it).get(0).type()))
                    // Those of tied parameters.
                    .map(it -> it.endsWith("DiagHessian") ? it + "(products=true)" : it)
                    .toList();
            assertThat(selected).contains("BatchGrad", "SumGradSquared", "Variance");
            return String.join(",", selected);
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Run evaluate(Path reference, String extensions, String... more) {
        Path model = directory.resolve("model.json");
        try (Safetensors file = Safetensors.open(reference)) {
            Files.writeString(model, Objects.requireNonNull(file.metadata().get("model")), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Stream<String> arguments = Stream.of("evaluate", "--model", model, "--data", reference, "--out", result())
                .map(String::valueOf);
        return Run.of(Stream.concat(arguments, Stream.concat(Stream.of("--extensions", extensions), Stream.of(more)))
                .toArray(String[]::new));
    }

    private Path result() {
        return directory.resolve("results.safetensors");
    }

    private void checkInItsOwnType(Path reference) {
        try (Safetensors file = Safetensors.open(reference)) {
            boolean single = !"float64".equals(file.metadata().get("dtype"));
            check(
                    reference,
                    single ? SafetensorsType.F32 : SafetensorsType.F64,
                    single ? 1e-5 : 1e-8,
                    single ? 1e-4 : 1e-7);
        }
    }

    /** Checks that everything in the result file is expected and close. */
    private void check(Path reference, SafetensorsType type, double absolute, double relative) {
        try (Safetensors expected = Safetensors.open(reference);
                Safetensors actual = Safetensors.open(result())) {
            assertThat(actual.tensors()).containsKeys(ALWAYS.toArray(String[]::new));
            assertThat(actual.tensors().keySet().stream().filter(name -> name.endsWith("/grad")))
                    .isNotEmpty();
            for (TensorInfo tensor : actual.tensors().values()) {
                assertThat(tensor.type()).as(tensor.name()).isEqualTo(type);
                if (tensor.name().equals("loss_batch")) {
                    assertThat(tensor.shape().size(0))
                            .isEqualTo(expected.tensor("input").shape().size(0));
                    continue;
                }
                assertThat(tensor.shape())
                        .as(tensor.name())
                        .isEqualTo(expected.tensor(tensor.name()).shape());
                double[] wanted = expected.readDoubles(tensor.name());
                double largest = Arrays.stream(wanted).map(Math::abs).max().orElse(0);
                assertThat(actual.readDoubles(tensor.name()))
                        .as("%s of %s", tensor.name(), reference.getFileName())
                        .containsExactly(wanted, within(absolute + relative * largest));
            }
        }
    }

    private static boolean hasFirstOrder(Path reference) {
        try (Safetensors file = Safetensors.open(reference)) {
            return QUANTITIES.stream()
                    .allMatch(quantity ->
                            file.tensors().keySet().stream().anyMatch(name -> name.endsWith("/" + quantity)));
        }
    }

    private static Set<String> names(Workspace workspace) {
        try (Safetensors results = Safetensors.open(workspace.file("results.safetensors"))) {
            return new TreeSet<>(results.tensors().keySet());
        }
    }

    private static void assertSucceeded(Run run) {
        assertThat(run.err()).isEmpty();
        assertThat(run.code()).isZero();
    }
}
