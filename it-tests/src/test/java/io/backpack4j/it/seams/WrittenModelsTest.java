// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.formats.ModelFile;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Frozen;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.modules.conv.AvgPool;
import io.backpack4j.modules.conv.BatchNorm;
import io.backpack4j.modules.conv.Conv;
import io.backpack4j.modules.conv.Conv2d;
import io.backpack4j.modules.conv.ConvTranspose;
import io.backpack4j.modules.conv.MaxPool2d;
import io.backpack4j.modules.conv.Pad;
import io.backpack4j.modules.linear.Dropout;
import io.backpack4j.modules.linear.Flatten;
import io.backpack4j.modules.linear.GELU;
import io.backpack4j.modules.linear.GLU;
import io.backpack4j.modules.linear.Hardtanh;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.LogSoftmax;
import io.backpack4j.modules.linear.Max;
import io.backpack4j.modules.linear.Mean;
import io.backpack4j.modules.linear.PReLU;
import io.backpack4j.modules.linear.Parameter;
import io.backpack4j.modules.linear.ReLU;
import io.backpack4j.modules.linear.Reshape;
import io.backpack4j.modules.linear.Scale;
import io.backpack4j.modules.linear.Slice;
import io.backpack4j.modules.linear.Softmax;
import io.backpack4j.modules.linear.Softplus;
import io.backpack4j.modules.linear.Sum;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.modules.norm.GroupNorm;
import io.backpack4j.modules.norm.InstanceNorm;
import io.backpack4j.modules.norm.LayerNorm;
import io.backpack4j.modules.norm.RMSNorm;
import io.backpack4j.modules.sequence.attention.MultiheadAttention;
import io.backpack4j.modules.sequence.attention.ScaledDotProductAttention;
import io.backpack4j.modules.sequence.attention.TransformerDecoderLayer;
import io.backpack4j.modules.sequence.attention.TransformerEncoderLayer;
import io.backpack4j.modules.sequence.attention.TransformerLayer;
import io.backpack4j.modules.sequence.embedding.Embedding;
import io.backpack4j.modules.sequence.embedding.EmbeddingBag;
import io.backpack4j.modules.sequence.recurrent.GRU;
import io.backpack4j.modules.sequence.recurrent.LSTM;
import io.backpack4j.modules.sequence.recurrent.RNN;
import io.backpack4j.modules.sequence.recurrent.RecurrentOptions;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.module.Mode;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Networks that were put together in Java, written to a file and read again. */
class WrittenModelsTest {

    private static final Loss LOSS = new CrossEntropyLoss(LossReduction.SUM);

    private static void assertSameAfterWriting(Graph graph, Path directory) {
        Path file = directory.resolve("model.json");
        ModelFile.write(file, ModelDescription.of(graph, LOSS));
        ModelDescription read = ModelFile.read(file);
        try (BackPack backpack = BackPack.create()) {
            Graph again = backpack.catalog().graph(read);
            assertThat(again.nodes()).isEqualTo(graph.nodes());
            assertThat(again.inputs()).isEqualTo(graph.inputs());
            assertThat(again.output()).isEqualTo(graph.output());
            assertThat(backpack.catalog().loss(read.loss())).isEqualTo(LOSS);
        }
    }

    @Test
    void every_kind_of_argument_survives(@TempDir Path directory) {
        assertSameAfterWriting(
                Graph.sequential(
                        Conv2d.of(2, 4, 3, 2).withStride(2, 1).withGroups(2).withoutBias(),
                        Conv.of(2, 4, 4, 4, 3).withDilation(1, 2).withSamePadding(),
                        BatchNorm.of(2, 4, Mode.EVAL),
                        new ReLU(),
                        MaxPool2d.of(2),
                        new AvgPool(AvgPool.of(2, 2).window(), true, false, 3L),
                        ConvTranspose.of(2, 4, 2, 3).withStride(2).withOutputPadding(1),
                        new Pad("ZeroPad2d", List.of(1L, 0L, 2L, 1L), 0),
                        new Pad("ConstantPad2d", List.of(1L, 0L, 2L, 1L), 0.1),
                        Pad.zeros(1, 1),
                        new Dropout(0.3, Mode.EVAL),
                        new Slice(List.of(new Slice.Range(), new Slice.Index(-1), new Slice.Range(1L, null, 2L))),
                        new Scale(0.1),
                        new GELU("tanh"),
                        new Softplus(0.3, 5),
                        new Hardtanh(-0.2, 0.5),
                        new PReLU(1, 0.1),
                        new GLU(-1),
                        new Mean(-1),
                        new Max(1),
                        new Reshape(2, -1),
                        new MultiheadAttention(4, 2, 0.1, false, 3L, null, true, Mode.EVAL),
                        new TransformerEncoderLayer(new TransformerLayer(
                                4, 2, 3, 0.2, TransformerLayer.Activation.GELU, 0.1, true, false, true, Mode.EVAL)),
                        new TransformerDecoderLayer(new TransformerLayer(4, 2, 3)),
                        new ScaledDotProductAttention(2, true, 0.1, 0.7, Mode.EVAL),
                        new ScaledDotProductAttention(2, false),
                        new Parameter(List.of(2L, 3L)),
                        new Softmax(null),
                        new LogSoftmax(-1L),
                        new LayerNorm(List.of(2L, 3L), 0.1, true, false),
                        new RMSNorm(List.of(3L), null, true),
                        new GroupNorm(2, 4, 0.2, false),
                        new InstanceNorm(2, 4, 0.3, true),
                        new Embedding(5, 3, 2L),
                        new EmbeddingBag(5, 3, EmbeddingBag.Mode.SUM),
                        new RNN(new RecurrentOptions(3, 2, 2, false, 0.1, true, true, Mode.EVAL), "relu"),
                        new LSTM(new RecurrentOptions(3, 2, 2, true, 0.2, false, false, Mode.TRAIN)),
                        new GRU(3, 2),
                        new Flatten(),
                        new Linear(7, 3, false)),
                directory);
    }

    @Test
    void inputs_ties_and_frozen_parameters_survive(@TempDir Path directory) {
        Graph graph = Graph.builder()
                .inputs("left", "right")
                .add("a", new Linear(3, 3), "left")
                .add(new Graph.Node(
                        "b",
                        new Linear(3, 3),
                        List.of("right"),
                        new Frozen(false, Set.of("bias")),
                        Map.of("weight", "a.weight")))
                .add("sum", new Sum(), "a", "b")
                .add(new Graph.Node("c", new Linear(3, 2), List.of("sum"), Frozen.ALL, Map.of()))
                .build();
        assertSameAfterWriting(graph, directory);
    }

    @Test
    void padding_that_no_argument_says_is_refused(@TempDir Path directory) {
        Conv uneven = new Conv(1, 1, Conv.of(1, 1, 1, 3).window(), List.of(1L), 1, true);
        Graph graph = Graph.sequential(uneven, new Flatten());
        assertThatThrownBy(() -> ModelFile.write(directory.resolve("m.json"), ModelDescription.of(graph, LOSS)))
                .isInstanceOf(BackpackException.class)
                .hasMessageContaining("NotWritable")
                .hasMessageContaining("Put a Pad before it");
        assertThat(directory).isEmptyDirectory();
    }
}
