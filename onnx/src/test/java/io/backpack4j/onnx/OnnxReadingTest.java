// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx;

import static io.backpack4j.onnx.TestGraph.FLOAT;
import static io.backpack4j.onnx.TestGraph.FLOAT16;
import static io.backpack4j.onnx.TestGraph.INT64;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.formats.ForeignModel;
import io.backpack4j.formats.ModelTensor;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.LossDescription;
import io.backpack4j.kernel.NodeDescription;
import io.backpack4j.spi.BackpackException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class OnnxReadingTest {

    private static final List<Long> SQUARE = List.of(2L, 2L);

    private BackPack backpack;

    @BeforeAll
    void open() {
        backpack = BackPack.builder().build();
    }

    @AfterAll
    void close() {
        backpack.close();
    }

    private static TestGraph start() {
        return new TestGraph().input("input", FLOAT, 0, 2);
    }

    private static TestGraph startWithWeight() {
        return start().floats("fc.weight", SQUARE, 1, 2, 3, 4);
    }

    private void assertRefused(TestGraph graph, String... parts) {
        assertThatThrownBy(() -> graph.read(backpack))
                .isInstanceOf(BackpackException.class)
                .hasMessageContainingAll(parts);
    }

    private static double[] numbers(ForeignModel model, String name) {
        ModelTensor tensor = model.numbers().tensors().get(name);
        double[] values = new double[(int) tensor.shape().elements()];
        tensor.read(0, values, values.length);
        return values;
    }

    @Test
    void matrix_products_are_linear_with_weights_turned() {
        ForeignModel model = startWithWeight()
                .node("MatMul", List.of("input", "fc.weight"), "y")
                .output("y", FLOAT)
                .read(backpack);
        assertThat(model.description().nodes())
                .extracting(NodeDescription::type)
                .containsExactly("Linear");
        assertThat(numbers(model, "fc.weight")).containsExactly(1, 3, 2, 4);
    }

    @Test
    void a_number_with_a_name_of_its_own_is_a_parameter() {
        for (String name : List.of("alpha", "val_3")) {
            ForeignModel model = start().floats(name, List.of(1L), 0.5f)
                    .node("Mul", List.of("input", name), "y")
                    .output("y", FLOAT)
                    .read(backpack);
            assertThat(model.description().nodes())
                    .extracting(NodeDescription::type)
                    .isEqualTo(name.equals("alpha") ? List.of("Parameter", "Mul") : List.of("Affine"));
        }
    }

    @Test
    void an_initializer_of_two_nodes_is_one_parameter() {
        ForeignModel model = startWithWeight()
                .node("MatMul", List.of("input", "fc.weight"), "h")
                .node("Tanh", List.of("h"), "a")
                .node("MatMul", List.of("a", "fc.weight"), "y")
                .output("y", FLOAT)
                .read(backpack);
        assertThat(model.description().nodes().get(2).ties()).containsEntry("weight", "fc.weight");
        assertThat(model.numbers().tensors()).containsOnlyKeys("fc.weight");
        assertThat(model.notices()).anyMatch(notice -> notice.contains("tied"));
    }

    @Test
    void an_initializer_of_equal_numbers_is_not_tied() {
        ForeignModel model = start().floats("a.weight", SQUARE, 1, 1, 1, 1)
                .node("Gemm", List.of("input", "a.weight"), "h", Map.of("transB", 1L))
                .node("Gemm", List.of("h", "a.weight"), "y", Map.of("transB", 1L))
                .output("y", FLOAT)
                .read(backpack);
        assertThat(model.numbers().tensors()).hasSize(2);
        assertThat(model.notices()).anyMatch(notice -> notice.contains("not tied"));
    }

    @Test
    void an_initializer_in_two_orders_is_refused() {
        assertRefused(
                startWithWeight()
                        .node("Gemm", List.of("input", "fc.weight"), "h", Map.of("transB", 1L))
                        .node("Gemm", List.of("h", "fc.weight"), "y")
                        .output("y", FLOAT),
                "fc.weight",
                "another order");
    }

    @Test
    void what_has_no_counterpart_is_refused_together_and_by_name() {
        assertRefused(
                start().node("If", List.of("input"), "a")
                        .node("QuantizeLinear", List.of("input"), "b")
                        .node("Cos", List.of("input"), "c")
                        .node("Sum", List.of("a", "b", "c"), "y")
                        .output("y", FLOAT),
                "'n0' (If)",
                "'n1' (QuantizeLinear)",
                "quantised",
                "'n2' (Cos)",
                "Possible: Abs, Add",
                "3 problems");
    }

    @Test
    void float16_is_refused_by_name() {
        assertRefused(
                start().raw("w", FLOAT16, SQUARE, new byte[8])
                        .node("MatMul", List.of("input", "w"), "y")
                        .output("y", FLOAT),
                "FLOAT16",
                "'w'",
                "float32");
        assertRefused(
                new TestGraph()
                        .input("x", FLOAT16, 0, 2)
                        .node("Relu", List.of("x"), "y")
                        .output("y", FLOAT),
                "Input 'x'",
                "FLOAT16");
    }

    @Test
    void axes_of_samples_must_have_fixed_sizes() {
        assertRefused(
                new TestGraph()
                        .input("x", FLOAT, 0, 0)
                        .node("Relu", List.of("x"), "y")
                        .output("y", FLOAT),
                "Input 'x'",
                "axis 1 ('n')");
    }

    @Test
    void what_mixes_samples_is_refused() {
        assertRefused(
                start().integers("shape", -1, 4)
                        .node("Reshape", List.of("input", "shape"), "y")
                        .output("y", FLOAT),
                "'n0' (Reshape)");
        assertRefused(
                start().node("Softmax", List.of("input"), "y", Map.of("axis", 0L))
                        .output("y", FLOAT),
                "over the batch");
        assertRefused(
                start().node("Transpose", List.of("input"), "t")
                        .floats("w", SQUARE, 1, 2, 3, 4)
                        .node("MatMul", List.of("t", "w"), "y")
                        .output("y", FLOAT),
                "'n1' (MatMul)",
                "over the batch");
    }

    @Test
    void a_batch_of_fixed_size_is_freed() {
        ForeignModel model = new TestGraph()
                .input("input", FLOAT, 3, 2, 2)
                .integers("shape", 3, 4)
                .node("Reshape", List.of("input", "shape"), "y")
                .output("y", FLOAT)
                .read(backpack);
        assertThat(model.description().nodes())
                .extracting(NodeDescription::type)
                .containsExactly("Flatten");
        assertRefused(
                new TestGraph()
                        .input("input", FLOAT, 3, 2, 2)
                        .integers("shape", 4, 3)
                        .node("Reshape", List.of("input", "shape"), "y")
                        .output("y", FLOAT),
                "'n0' (Reshape)");
    }

    @Test
    void a_constant_that_differs_from_sample_to_sample_is_refused() {
        assertRefused(
                new TestGraph()
                        .input("input", FLOAT, 2, 2)
                        .floats("c", SQUARE, 1, 2, 3, 4)
                        .node("Add", List.of("input", "c"), "y")
                        .output("y", FLOAT),
                "'n0' (Add)",
                "where the batch is");
    }

    @Test
    void a_softmax_before_the_loss_that_has_it_is_left_out() {
        TestGraph graph = startWithWeight()
                .node("MatMul", List.of("input", "fc.weight"), "h")
                .node("Softmax", List.of("h"), "y")
                .output("y", FLOAT);
        ForeignModel trained = graph.read(backpack, new LossDescription("CrossEntropyLoss", Map.of()));
        assertThat(trained.description().nodes())
                .extracting(NodeDescription::type)
                .containsExactly("Linear");
        assertThat(trained.notices()).anyMatch(notice -> notice.contains("left out"));
        assertThat(graph.read(backpack).description().nodes()).hasSize(2);
    }

    @Test
    void of_several_outputs_the_one_of_real_numbers_is_taken() {
        ForeignModel model = start().node("ArgMax", List.of("input"), "label")
                .node("Tanh", List.of("input"), "scores")
                .output("label", INT64)
                .output("scores", FLOAT)
                .read(backpack);
        assertThat(model.description().nodes())
                .extracting(NodeDescription::type)
                .containsExactly("Tanh");
        assertRefused(
                start().node("Tanh", List.of("input"), "a")
                        .node("Relu", List.of("input"), "b")
                        .output("a", FLOAT)
                        .output("b", FLOAT),
                "[a, b]",
                "one is needed");
    }

    @Test
    void folded_batch_norms_are_noticed() {
        for (String exporter : List.of("new", "old")) {
            Path file = Fixtures.folder().resolve("residual_" + exporter + ".onnx");
            assertThat(new OnnxFormat()
                            .read(file, backpack.catalog(), LossDescription.NONE)
                            .notices())
                    .as(exporter)
                    .anyMatch(notice -> notice.contains("folded into 2 convolutions"));
        }
        Path kept = Fixtures.folder().resolve("residual_newplain.onnx");
        ForeignModel model = new OnnxFormat().read(kept, backpack.catalog(), LossDescription.NONE);
        assertThat(model.notices()).isEmpty();
        assertThat(model.numbers().tensors()).containsKeys("conv1.weight", "bn1.running_var", "layer1.3.bias");
    }

    @Test
    void parameters_have_the_names_of_the_state_dict() {
        Path file = Fixtures.folder().resolve("gpt_new.onnx");
        ForeignModel model = new OnnxFormat().read(file, backpack.catalog(), LossDescription.NONE);
        assertThat(model.numbers().tensors())
                .containsKeys("wte.weight", "qkv.weight", "qkv.bias", "proj.weight", "norm.weight", "last.bias");
        assertThat(model.description().nodes()).anyMatch(node -> node.ties().containsValue("wte.weight"));
    }

    @Test
    void files_with_numbers_stay_in_the_models_folder(@TempDir Path folder) throws IOException {
        ByteBuffer numbers = ByteBuffer.allocate(32).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < 4; i++) {
            numbers.putFloat(4 * i, i);
        }
        Path model = Files.createDirectory(folder.resolve("model")).resolve("net.onnx");
        Files.write(model.resolveSibling("w.bin"), numbers.array());
        Files.write(folder.resolve("outside.bin"), numbers.array());
        write(model, "w.bin", 0);
        assertThat(numbers(new OnnxFormat().read(model, backpack.catalog(), LossDescription.NONE), "fc.weight"))
                .containsExactly(0, 2, 1, 3);
        for (String place :
                List.of("../outside.bin", folder.resolve("outside.bin").toString(), "nowhere.bin", "")) {
            write(model, place, 0);
            assertThatThrownBy(() -> new OnnxFormat().read(model, backpack.catalog(), LossDescription.NONE))
                    .hasMessageContaining("[InvalidFile]")
                    .hasMessageContaining("fc.weight");
        }
        write(model, "w.bin", 24);
        assertThatThrownBy(() -> new OnnxFormat().read(model, backpack.catalog(), LossDescription.NONE))
                .hasMessageContaining("from 24 on");
    }

    /** Numbers lie across the pieces in which a file is mapped, and beyond 2 GiB; the file has holes, not zeros. */
    @Test
    void files_may_have_more_than_2_GiB(@TempDir Path folder) throws IOException {
        Path model = folder.resolve("net.onnx");
        for (long offset : new long[] {(1L << 30) - 6, (1L << 31) + 60}) {
            try (RandomAccessFile file =
                    new RandomAccessFile(folder.resolve("w.bin").toFile(), "rw")) {
                file.setLength((1L << 31) + 100);
                ByteBuffer numbers = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
                numbers.putFloat(1.5f).putFloat(-2).putFloat(3).putFloat(0.25f);
                file.seek(offset);
                file.write(numbers.array());
            }
            write(model, "w.bin", offset);
            assertThat(numbers(new OnnxFormat().read(model, backpack.catalog(), LossDescription.NONE), "fc.weight"))
                    .containsExactly(1.5, 3, -2, 0.25);
        }
    }

    private static void write(Path model, String location, long offset) throws IOException {
        Files.write(
                model,
                start().external("fc.weight", SQUARE, location, offset)
                        .node("MatMul", List.of("input", "fc.weight"), "y")
                        .output("y", FLOAT)
                        .bytes());
    }

    @Test
    void other_files_are_refused(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("net.onnx");
        assertThatThrownBy(() -> new OnnxFormat().read(file, backpack.catalog(), LossDescription.NONE))
                .hasMessageContaining("does not exist");
        Files.writeString(file, "PK\u0003\u0004 no model");
        assertThatThrownBy(() -> new OnnxFormat().read(file, backpack.catalog(), LossDescription.NONE))
                .hasMessageContaining("not a valid ONNX file");
        Files.writeString(file, "");
        assertThatThrownBy(() -> new OnnxFormat().read(file, backpack.catalog(), LossDescription.NONE))
                .hasMessageContaining("not a valid ONNX file");
    }

    private static TestGraph recurrent() {
        float[] numbers = {1, 2, 3, 4, 5, 6, 7, 8};
        return new TestGraph()
                .input("input", FLOAT, 0, 3, 2)
                .floats("w", List.of(1L, 2L, 2L), Arrays.copyOf(numbers, 4))
                .floats("r", List.of(1L, 2L, 2L), Arrays.copyOf(numbers, 4));
    }

    private static TestGraph layer(TestGraph graph, String lengths, String state, String output) {
        return graph.node(
                        "RNN",
                        List.of("input", "w", "r", "", lengths, state),
                        output,
                        Map.of("hidden_size", 2L, "layout", 1L))
                .output("y", FLOAT);
    }

    @Test
    void a_recurrent_layer_starts_from_a_state_of_its_own() {
        TestGraph trained = layer(recurrent().floats("start", List.of(1L, 1L, 2L), 0.5f, -1), "", "start", "y");
        ForeignModel model = trained.read(backpack);
        assertThat(model.description().nodes())
                .extracting(NodeDescription::type)
                .startsWith("Parameter", "RNN");
        assertThat(model.numbers().tensors().get("start.weight").shape()).hasToString("[1, 2]");
        TestGraph zero = layer(recurrent().floats("start", List.of(1L, 1L, 2L), 0, 0), "", "start", "y");
        assertThat(zero.read(backpack).description().nodes())
                .extracting(NodeDescription::type)
                .doesNotContain("Parameter");
        TestGraph several = layer(recurrent().floats("start", List.of(2L, 1L, 2L), 1, 2, 3, 4), "", "start", "y");
        assertRefused(several, "(RNN)", "constant initial state of sizes [2, 1, 2]", "must have the sizes [1, 2]");
    }

    @Test
    void lengths_of_sequences_are_an_input() {
        TestGraph given = layer(recurrent().input("lengths", INT64, 0), "lengths", "", "y");
        assertThat(given.read(backpack).description().nodes().get(0).inputs()).containsExactly("input", "lengths");
        assertRefused(
                layer(recurrent().integers("lengths", 2), "lengths", "", "y"),
                "(RNN)",
                "constant lengths of sequences");
        TestGraph real = layer(recurrent().input("lengths", FLOAT, 0), "lengths", "", "y");
        assertRefused(real, "(RNN)", "lengths of sequences");
    }
}
