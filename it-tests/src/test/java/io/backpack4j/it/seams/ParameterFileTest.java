// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.ext.firstorder.BatchGrad;
import io.backpack4j.formats.ParameterFile;
import io.backpack4j.formats.ResultFile;
import io.backpack4j.formats.Safetensors;
import io.backpack4j.formats.SafetensorsWriter;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Frozen;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Parameters;
import io.backpack4j.kernel.Results;
import io.backpack4j.modules.conv.BatchNorm;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.ReLU;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.modules.linear.loss.MSELoss;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Parameters, results and summaries of models that were put together in Java: a line each. */
class ParameterFileTest {

    private static final BackPack BACKPACK = BackPack.create();

    @TempDir
    Path directory;

    @AfterAll
    static void close() {
        BACKPACK.close();
    }

    private static Graph graph() {
        return Graph.builder()
                .add("in", new Linear(4, 3))
                .add("norm", BatchNorm.of(1, 3, Mode.EVAL))
                .add(node("frozen", new Linear(3, 3), new Frozen(false, Set.of("weight")), Map.of()))
                .add("relu", new ReLU())
                .add(node("tied", new Linear(3, 3), Frozen.NONE, Map.of("weight", "frozen.weight")))
                .build();
    }

    private static Graph.Node node(
            String name, io.backpack4j.spi.module.Module module, Frozen frozen, Map<String, String> ties) {
        return new Graph.Node(name, module, List.of(), frozen, ties);
    }

    private static Model model(DType dtype) {
        return BACKPACK.model(graph(), new CrossEntropyLoss(), dtype, Shape.of(4));
    }

    private static double[] numbers(Tensor tensor) {
        int count = (int) tensor.shape().elements();
        double[] numbers = new double[count];
        if (tensor.dtype() == DType.INT64) {
            long[] integers = new long[count];
            tensor.read(0, integers, 0, count);
            java.util.Arrays.setAll(numbers, i -> integers[i]);
        } else {
            tensor.read(0, numbers, 0, count);
        }
        return numbers;
    }

    @Test
    void every_parameter_and_buffer_comes_back() {
        Path file = directory.resolve("p.safetensors");
        try (Model saved = model(DType.FLOAT64);
                Model loaded = model(DType.FLOAT64);
                Model narrow = model(DType.FLOAT32)) {
            Parameters from = saved.parameters();
            from.initialize(7);
            from.set("norm.running_var", new double[] {1, 2, 3});
            from.set("norm.num_batches_tracked", new double[] {5});
            ParameterFile.save(file, saved);
            loaded.parameters().initialize(8);
            ParameterFile.load(file, loaded);
            ParameterFile.load(file, narrow);
            assertThat(from.names())
                    .contains("in.weight", "norm.running_mean", "norm.num_batches_tracked", "tied.bias")
                    .doesNotContain("tied.weight");
            for (String name : from.names()) {
                double[] expected = numbers(from.get(name));
                assertThat(numbers(loaded.parameters().get(name))).as(name).isEqualTo(expected);
                double[] rounded = expected.clone();
                java.util.Arrays.setAll(rounded, i -> (float) expected[i]);
                assertThat(numbers(narrow.parameters().get(name))).as(name).isEqualTo(rounded);
            }
            try (Safetensors tensors = Safetensors.open(file)) {
                assertThat(tensors.tensors().keySet()).containsExactlyInAnyOrderElementsOf(from.names());
            }
        }
    }

    @Test
    void what_does_not_fit_is_reported_at_once_and_changes_nothing() {
        Path file = directory.resolve("p.safetensors");
        try (Model model = model(DType.FLOAT64)) {
            model.parameters().initialize(7);
            double[] before = numbers(model.parameters().get("norm.weight"));
            try (SafetensorsWriter writer = SafetensorsWriter.to(file)
                    .tensor("in.weight", DType.FLOAT64, Shape.of(3, 4))
                    .tensor("in.bias", DType.FLOAT64, Shape.of(4))
                    .tensor("norm.weight", DType.FLOAT64, Shape.of(3))
                    .tensor("norm.bios", DType.FLOAT64, Shape.of(3))
                    .tensor("frozen.weight", DType.FLOAT64, Shape.of(3, 3))
                    .tensor("tied.weight", DType.FLOAT64, Shape.of(3, 3))
                    .open()) {
                writer.write("in.weight", 0, new double[] {0, 0, 0, 0, Double.NaN, 0, 0, 0, 0, 0, 0, 0}, 0, 12);
                writer.write("in.bias", 0, new double[4], 0, 4);
                writer.write("norm.weight", 0, new double[3], 0, 3);
                writer.write("norm.bios", 0, new double[3], 0, 3);
                writer.write("frozen.weight", 0, new double[9], 0, 9);
                writer.write("tied.weight", 0, new double[] {1, 0, 0, 0, 0, 0, 0, 0, 0}, 0, 9);
                writer.commit();
            }
            assertThatThrownBy(() -> ParameterFile.load(file, model))
                    .isInstanceOf(BackpackException.class)
                    .hasMessageContaining("'norm.bios' (did you mean 'norm.bias'?)")
                    .hasMessageContaining("is NaN at position [1, 0]")
                    .hasMessageContaining("has shape [4], but the model needs [3]")
                    .hasMessageContaining("has no tensor 'norm.bias'")
                    .hasMessageContaining("has no tensor 'tied.bias'")
                    .hasMessageContaining("[TiedTensor]");
            assertThat(numbers(model.parameters().get("norm.weight"))).isEqualTo(before);
        }
    }

    @Test
    void results_are_written_in_one_line() throws java.io.IOException {
        Path npz = directory.resolve("r.npz");
        Path safetensors = directory.resolve("r.safetensors");
        Graph graph = Graph.sequential(new Linear(4, 3));
        try (Model model = BACKPACK.model(graph, new MSELoss(), DType.FLOAT64, Shape.of(4));
                Batch batch = BACKPACK.batch(DType.FLOAT64)
                        .input("input", Shape.of(2, 4), new double[] {1, 2, 3, 4, 5, 6, 7, 8})
                        .targets(Shape.of(2, 3), new double[6])
                        .build();
                Results results = BACKPACK.compute(model, batch, new BatchGrad())) {
            ResultFile.write(npz, results);
            ResultFile.write(safetensors, results);
            try (Safetensors file = Safetensors.open(safetensors)) {
                assertThat(file.tensors().keySet())
                        .containsExactlyInAnyOrderElementsOf(results.tensors().keySet());
                for (Map.Entry<String, Tensor> result : results.tensors().entrySet()) {
                    assertThat(file.readDoubles(result.getKey())).isEqualTo(numbers(result.getValue()));
                }
            }
            assertThatThrownBy(() -> ResultFile.write(directory.resolve("r.txt"), results))
                    .hasMessageStartingWith("[InvalidArgument] Results cannot be written to '");
            assertThat(npz).isNotEmptyFile();
            assertThat(directory.resolve("r.txt")).doesNotExist();
        }
    }

    @Test
    void a_model_describes_itself() {
        try (Model model = model(DType.FLOAT32);
                Model without =
                        BACKPACK.model(Graph.sequential(new Linear(1000, 1000)), DType.FLOAT64, Shape.of(1000))) {
            assertThat(model.toString()).isEqualTo("""
                    node    type         output  numbers  parameters
                    in      Linear       [3]          15  weight [3, 4], bias [3]
                    norm    BatchNorm1d  [3]           6  weight [3], bias [3], running_mean [3] buffer, running_var [3] buffer, num_batches_tracked [] buffer
                    frozen  Linear       [3]          12  weight [3, 3] frozen, bias [3]
                    relu    ReLU         [3]
                    tied    Linear       [3]           3  weight = frozen.weight frozen, bias [3]
                    takes input [4]; gives tied [3]; CrossEntropyLoss; float32
                    36 parameters, 9 of them frozen; 7 numbers in buffers""");
            assertThat(without.toString()).isEqualTo("""
                    node  type    output    numbers  parameters
                    0     Linear  [1000]  1,001,000  weight [1000, 1000], bias [1000]
                    takes input [1000]; gives 0 [1000]; no loss; float64
                    1,001,000 parameters, 0 of them frozen; 0 numbers in buffers""");
        }
    }
}
