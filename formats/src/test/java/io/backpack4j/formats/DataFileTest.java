// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.mockito.ArgumentMatchers.any;
import static org.mockito.ArgumentMatchers.anyInt;
import static org.mockito.ArgumentMatchers.anyLong;
import static org.mockito.ArgumentMatchers.eq;
import static org.mockito.Mockito.doAnswer;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.never;
import static org.mockito.Mockito.verify;
import static org.mockito.Mockito.when;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.BatchBuilder;
import io.backpack4j.kernel.Catalog;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.Parameters;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.module.Initializer;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mockito.ArgumentMatchers;

class DataFileTest {

    private static final ModelDescription DESCRIPTION = ModelFile.parse("""
            {"nodes": [{"name": "a", "type": "Linear", "in_features": 2, "out_features": 3, "bias": false},
                       {"name": "b", "type": "Linear", "in_features": 3, "out_features": 2, "bias": false,
                        "tie": {"weight": "a.weight"}}],
             "loss": {"type": "CrossEntropyLoss"}}""", "m.json");

    @TempDir
    Path directory;

    private final BackPack backpack = mock(BackPack.class);
    private final Catalog catalog = mock(Catalog.class);
    private final Model model = mock(Model.class);
    private final Parameters parameters = mock(Parameters.class);
    private final BatchBuilder builder = mock(BatchBuilder.class);
    private final List<Double> written = new ArrayList<>();

    @BeforeEach
    void provide() {
        Tensor weight = mock(Tensor.class);
        when(weight.dtype()).thenReturn(DType.FLOAT32);
        doAnswer(call -> {
                    double[] values = call.getArgument(1);
                    int count = call.getArgument(3);
                    for (int i = 0; i < count; i++) {
                        written.add(values[i]);
                    }
                    return null;
                })
                .when(weight)
                .write(anyLong(), any(double[].class), anyInt(), anyInt());
        when(parameters.names()).thenReturn(List.of("a.weight"));
        doAnswer(call -> {
                    Consumer<Tensor> writer = call.getArgument(1);
                    writer.accept(weight);
                    return null;
                })
                .when(parameters)
                .set(eq("a.weight"), ArgumentMatchers.<Consumer<Tensor>>any());
        when(model.parameters()).thenReturn(parameters);
        Graph graph = Graph.sequential(mock(Module.class));
        Loss loss = mock(Loss.class);
        when(catalog.graph(DESCRIPTION)).thenReturn(graph);
        when(catalog.loss(DESCRIPTION.loss())).thenReturn(loss);
        when(backpack.catalog()).thenReturn(catalog);
        when(backpack.parameters(eq(graph), any(Shape[].class)))
                .thenReturn(Map.of(
                        "a.weight", ParameterSpec.parameter("weight", Shape.of(3, 2), new Initializer.Constant(0))));
        when(backpack.model(eq(graph), eq(loss), any(), any(Shape[].class))).thenReturn(model);
        when(backpack.batch(any())).thenReturn(builder);
        when(builder.build()).thenReturn(mock(Batch.class));
    }

    @Test
    void loadsParametersInputsAndTarget() {
        write(Map.of(
                "a.weight",
                new double[] {1, 2, 3, 4, 5, 6},
                "input",
                new double[] {7, 8},
                "vec/a.weight",
                new double[1],
                "a.num_batches_tracked",
                new double[1]));
        load(DType.FLOAT32).close();
        assertThat(written).containsExactly(1.0, 2.0, 3.0, 4.0, 5.0, 6.0);
        verify(backpack).model(any(Graph.class), any(), eq(DType.FLOAT32), eq(Shape.of(2)));
        verify(builder).input("input", Shape.of(1, 2), new float[] {7, 8});
        verify(builder).targets(Shape.of(1), new long[] {1});
        verify(model).close();
    }

    @Test
    void reportsEverythingThatDoesNotFit() {
        write(Map.of("odd", new double[1], "input", new double[] {1, 1e300}));
        assertThatThrownBy(() -> load(DType.FLOAT32)).hasMessage("""
                1) [UnknownTensor] File 'd' has what the model does not know: 'odd'. The model knows: a.weight, input, target. Remove or rename it.
                2) [MissingTensor] File 'd' has no tensor 'a.weight', which the model needs with shape [3, 2].
                3) [NotFinite] Tensor 'input' of file 'd' is 1.0E300 at position [0, 1], but must be a finite number in FLOAT32.
                3 problems.""");
        verify(backpack, never()).model(any(), any(), any(), any(Shape[].class));
    }

    /** Checkpoints keep one of both names only. */
    @Test
    void takesATiedParameterInPlaceOfItsOwner() {
        write(Map.of("b.weight", new double[] {1, 2, 3, 4, 5, 6}, "input", new double[2]));
        load(DType.FLOAT32).close();
        assertThat(written).containsExactly(1.0, 2.0, 3.0, 4.0, 5.0, 6.0);
    }

    @Test
    void leavesPrefixesOfWrappersAway() {
        double[] numbers = {1, 2, 3, 4, 5, 6};
        write(Map.of("module._orig_mod.a.weight", numbers, "input", new double[2]));
        load(DType.FLOAT32).close();
        assertThat(written).containsExactly(1.0, 2.0, 3.0, 4.0, 5.0, 6.0);
    }

    /** Every state dict of PyTorch has them. */
    @Test
    void takesTiedParametersThatEqualTheirOwners() {
        double[] numbers = {1, 2, 3, 4, 5, 6};
        write(Map.of("a.weight", numbers, "b.weight", numbers.clone(), "input", new double[2]));
        load(DType.FLOAT32).close();
        double[] others = {1, 2, 3, 4, 5, 6.5};
        write(Map.of("a.weight", numbers, "b.weight", others, "input", new double[2]));
        assertThatThrownBy(() -> load(DType.FLOAT32))
                .hasMessage(
                        "[TiedTensor] Tensor 'b.weight' of file 'd' is tied to 'a.weight' by the model, but differs by"
                                + " up to 0.5, at position [2, 1]. Remove it, correct it, or do not tie them.");
    }

    /** The file is compared part by part: the last element belongs to the last part. */
    @Test
    void comparesEveryElementOfTiedParameters() {
        int rows = 3 * NamedTensors.RANGE + 1;
        when(backpack.parameters(any(Graph.class), any(Shape[].class)))
                .thenReturn(Map.of(
                        "a.weight", ParameterSpec.parameter("weight", Shape.of(rows, 2), new Initializer.Constant(0))));
        double[] numbers = new double[2 * rows];
        for (int differing : new int[] {0, 2 * NamedTensors.RANGE - 1, 2 * NamedTensors.RANGE, 2 * rows - 1}) {
            double[] others = numbers.clone();
            others[differing] = 1e-300;
            write(Map.of("a.weight", numbers, "b.weight", others, "input", new double[2]));
            assertThatThrownBy(() -> load(DType.FLOAT64))
                    .hasMessageStartingWith("[TiedTensor]")
                    .hasMessageContaining("up to 1.0E-300, at position [%d, %d]", differing / 2, differing % 2);
        }
        write(Map.of("a.weight", numbers, "b.weight", numbers, "input", new double[2]));
        load(DType.FLOAT64).close();
    }

    @Test
    void reportsShapesAndNumbersOfParameters() {
        write(Map.of("a.weight", new double[4], "input", new double[2]));
        assertThatThrownBy(() -> load(DType.FLOAT64))
                .hasMessage(
                        "[ShapeMismatch] Tensor 'a.weight' of file 'd' has shape [2, 2], but the model needs [3, 2].");
        write(Map.of("a.weight", new double[] {0, 0, 0, Double.NaN, 0, 0}, "input", new double[2]));
        assertThatThrownBy(() -> load(DType.FLOAT64))
                .hasMessageStartingWith("[NotFinite] Tensor 'a.weight' of file 'd' is NaN at position [1, 1]");
    }

    @Test
    void needsInputs() {
        write(Map.of("a.weight", new double[6]));
        assertThatThrownBy(() -> load(DType.FLOAT32))
                .hasMessage("[MissingTensor] File 'd' has no tensor 'input', which is an input of the model.");
        verify(backpack, never()).model(any(Graph.class), any(), any(), any(Shape[].class));
    }

    @Test
    void chooses64BitsIfWhatIsGivenHasThem() {
        write(Map.of("a.weight", new double[6], "loss", new double[1]));
        try (Safetensors file = Safetensors.open(directory.resolve("d"))) {
            assertThat(new DataFile("d", file, DESCRIPTION).dtype()).isEqualTo(DType.FLOAT64);
        }
        write(Map.of("loss", new double[1], "a.weight/grad", new double[6]));
        try (Safetensors file = Safetensors.open(directory.resolve("d"))) {
            assertThat(new DataFile("d", file, DESCRIPTION).dtype()).isEqualTo(DType.FLOAT32);
        }
    }

    @Test
    void reportsTheModelAndItsInputsTogether() {
        write(Map.of("a.weight", new double[6]));
        when(catalog.graph(DESCRIPTION)).thenThrow(new BackpackException(KernelProblems.UNKNOWN_MODULE, "One."));
        when(catalog.loss(DESCRIPTION.loss())).thenThrow(new BackpackException(KernelProblems.UNKNOWN_LOSS, "Two."));
        assertThatThrownBy(() -> load(DType.FLOAT32))
                .hasMessageContainingAll("no tensor 'input'", "[UnknownModule] One.", "[UnknownLoss] Two.");
    }

    @Test
    void readsOperandsOfParametersAndOfTheNetwork() {
        write(Map.of("operand/range/a.weight", new double[] {-1, 1}, "operand/scale/*", new double[] {3}));
        Tensor tensor = mock(Tensor.class);
        TensorScope scope = mock(TensorScope.class);
        when(scope.allocate(any(Shape.class), eq(DType.FLOAT32))).thenReturn(tensor);
        try (Safetensors file = Safetensors.open(directory.resolve("d"))) {
            assertThat(new DataFile("d", file, DESCRIPTION)
                            .operands(scope, DType.FLOAT32)
                            .tensors())
                    .isEqualTo(Map.of("range", Map.of("a.weight", tensor), "scale", Map.of("*", tensor)));
        }
        verify(scope).allocate(Shape.of(1, 2), DType.FLOAT32);
        verify(scope).allocate(Shape.of(1), DType.FLOAT32);
        write(Map.of("operand/scale/*", new double[] {Double.NaN}));
        try (Safetensors file = Safetensors.open(directory.resolve("d"))) {
            DataFile data = new DataFile("d", file, DESCRIPTION);
            assertThatThrownBy(() -> data.operands(scope, DType.FLOAT32))
                    .hasMessageContaining("Tensor 'operand/scale/*' of file 'd' is NaN");
        }
    }

    private DataFile.Loaded load(DType dtype) {
        try (Safetensors file = Safetensors.open(directory.resolve("d"))) {
            return new DataFile("d", file, DESCRIPTION).load(backpack, dtype);
        }
    }

    /** Writes a target of one class index, and tensors with two columns where there are enough numbers. */
    private void write(Map<String, double[]> tensors) {
        SafetensorsWriterBuilder declared = SafetensorsWriter.to(directory.resolve("d"));
        tensors.forEach((name, values) -> declared.tensor(
                name, DType.FLOAT64, values.length > 1 ? Shape.of(values.length / 2, 2) : Shape.of(values.length)));
        try (SafetensorsWriter writer =
                declared.tensor("target", DType.INT64, Shape.of(1)).open()) {
            tensors.forEach((name, values) -> writer.write(name, 0, values, 0, values.length));
            writer.write("target", 0, new long[] {1}, 0, 1);
            writer.commit();
        }
    }
}
