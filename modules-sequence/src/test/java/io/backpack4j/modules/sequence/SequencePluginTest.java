// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.modules.sequence.embedding.Embedding;
import io.backpack4j.modules.sequence.embedding.EmbeddingBag;
import io.backpack4j.modules.sequence.recurrent.GRU;
import io.backpack4j.modules.sequence.recurrent.LSTM;
import io.backpack4j.modules.sequence.recurrent.RNN;
import io.backpack4j.modules.sequence.recurrent.RecurrentOptions;
import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.module.Initializer;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleProvider;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.TestContext;
import io.backpack4j.testkit.heap.HeapBackend;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class SequencePluginTest {

    private static final Shape SEQUENCE = Shape.of(3, 4);

    private final SequencePlugin plugin = new SequencePlugin();

    private Module create(String type, Map<String, ? extends @Nullable Object> arguments) {
        ModuleProvider provider = plugin.modules().stream()
                .filter(it -> it.type().equals(type))
                .findFirst()
                .orElseThrow();
        return provider.create(new Arguments("node 'a' (" + type + ")", arguments));
    }

    private Module recurrent(String type, Map<String, ?> further) {
        Map<String, Object> arguments = new HashMap<>(Map.of("input_size", 4, "hidden_size", 2, "batch_first", true));
        arguments.putAll(further);
        return create(type, arguments);
    }

    private static List<String> parameters(Module module, Shape... inputs) {
        return module.declare(List.of(inputs)).parameters().stream()
                .map(ParameterSpec::name)
                .toList();
    }

    @Test
    void argumentsArePyTorchs() {
        assertThat(plugin.descriptor().id()).isEqualTo("modules-sequence");
        Map<String, Object> table = Map.of("num_embeddings", 5, "embedding_dim", 3, "padding_idx", -1);
        assertThat(create("Embedding", table)).isEqualTo(new Embedding(5, 3, 4L));
        assertThat(create("EmbeddingBag", table)).isEqualTo(new EmbeddingBag(5, 3, EmbeddingBag.Mode.MEAN, 4L));
        assertThat(recurrent("RNN", Map.of())).isEqualTo(new RNN(4, 2));
        assertThat(recurrent("LSTM", Map.of("mode", "eval", "dropout", 0.5)))
                .isEqualTo(new LSTM(new RecurrentOptions(4, 2, 1, true, 0.5, false, false, Mode.EVAL)));
        assertThat(recurrent("GRU", Map.of("bidirectional", true, "num_layers", 2, "bias", false, "lengths", true)))
                .isEqualTo(new GRU(new RecurrentOptions(4, 2, 2, false, 0, true, true, Mode.TRAIN)));
        assertThat(new GRU(4, 2).arguments()).containsEntry("batch_first", true);
    }

    @Test
    void parametersAreNamedAsPyTorchs() {
        assertThat(parameters(new RNN(4, 2), SEQUENCE))
                .containsExactly("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0");
        assertThat(parameters(new LSTM(new RecurrentOptions(4, 2, 2, false, 0, true, false, Mode.TRAIN)), SEQUENCE))
                .containsExactly(
                        "weight_ih_l0",
                        "weight_hh_l0",
                        "weight_ih_l0_reverse",
                        "weight_hh_l0_reverse",
                        "weight_ih_l1",
                        "weight_hh_l1",
                        "weight_ih_l1_reverse",
                        "weight_hh_l1_reverse");
        assertThat(new LSTM(new RecurrentOptions(4, 2, 2, false, 0, true, false, Mode.TRAIN))
                        .declare(List.of(SEQUENCE))
                        .parameters())
                .extracting(ParameterSpec::shape)
                .contains(Shape.of(8, 4), Shape.of(8, 2));
        assertThat(new GRU(4, 2).declare(List.of(SEQUENCE)).output()).isEqualTo(Shape.of(3, 2));
    }

    @Test
    void lengthsAreTheLastInput() {
        GRU module = new GRU(new RecurrentOptions(4, 2, 1, true, 0, false, true, Mode.TRAIN));
        assertThat(module.takesIntegers(1, 2)).isTrue();
        assertThat(module.takesIntegers(1, 3)).isFalse();
        assertThat(module.takesIntegers(2, 3)).isTrue();
        assertThat(new GRU(4, 2).takesIntegers(1, 2)).isFalse();
        assertThat(parameters(module, SEQUENCE, Shape.of(1, 2), Shape.of())).hasSize(4);
    }

    @Test
    void whatDoesNotFitIsRefused() {
        assertThatThrownBy(() -> create("RNN", Map.of("input_size", 4, "hidden_size", 2)))
                .hasMessageContaining("'batch_first'")
                .hasMessageContaining("must be true")
                .hasMessageContaining("Write \"batch_first\": true");
        assertThatThrownBy(() -> recurrent("LSTM", Map.of("proj_size", 1))).hasMessageContaining("proj_size");
        assertThatThrownBy(() -> new RNN(new RecurrentOptions(4, 2, 1, true, 0, false, false, Mode.TRAIN), "gelu"))
                .hasMessageContaining("'nonlinearity' of RNN is gelu, but must be tanh or relu");
        assertThatThrownBy(() -> new LSTM(new RecurrentOptions(4, 2, 1, true, 1.5, false, false, Mode.TRAIN)))
                .hasMessageContaining("dropout");
        assertThatThrownBy(() -> parameters(new RNN(4, 2), Shape.of(3, 5))).hasMessageContaining("input_size = 4");
        assertThatThrownBy(() -> parameters(new RNN(4, 2), Shape.of(0, 4))).hasMessageContaining("at least one step");
        assertThatThrownBy(() -> parameters(new LSTM(4, 2), SEQUENCE, Shape.of(1, 2)))
                .hasMessageContaining("h_0 and c_0")
                .hasMessageContaining("was given 2 input(s)");
        assertThatThrownBy(() -> parameters(new RNN(4, 2), SEQUENCE, Shape.of(2, 2)))
                .hasMessageContaining("initial states as input 1, of shape [1, 2]");
        assertThatThrownBy(() -> new Embedding(5, 3, 5L)).hasMessageContaining("padding_idx");
        assertThatThrownBy(() -> parameters(new EmbeddingBag(5, 3, EmbeddingBag.Mode.SUM), SEQUENCE))
                .hasMessageContaining("takes ids [N, L]");
        Map<String, Object> table = new HashMap<>(Map.of("num_embeddings", 5, "embedding_dim", 3));
        table.put("max_norm", 1.0);
        assertThatThrownBy(() -> create("Embedding", table)).hasMessageContaining("max_norm");
    }

    @Test
    void paddingStartsAtZero() {
        List<ParameterSpec> plain =
                new Embedding(5, 3).declare(List.of(Shape.of(2))).parameters();
        assertThat(plain.get(0).initializer()).isEqualTo(new Initializer.Normal(1));
        for (Module table : List.of(new Embedding(5, 3, 4L), new EmbeddingBag(5, 3, EmbeddingBag.Mode.SUM, 4L))) {
            ParameterSpec weight =
                    table.declare(List.of(Shape.of(2))).parameters().get(0);
            assertThat(weight.initializer()).isEqualTo(new Initializer.ZeroRow(new Initializer.Normal(1), 4));
        }
    }

    @Test
    void integersThatNameNothingAreRefusedWithTheirSample() {
        assertThatThrownBy(() -> evaluate(new Embedding(5, 3), Shape.of(2, 3), 0, 1, 4, 2, 5, 0))
                .hasMessageContaining("[IndexOutOfRange]")
                .hasMessageContaining("rows 0 to 4, but sample 1 looks up row 5 at position 1");
        assertThatThrownBy(() -> evaluate(new Embedding(5, 3), Shape.of(1, 1), -1))
                .hasMessageContaining("row -1");
        evaluate(new Embedding(5, 3), Shape.of(1, 1), 4);
    }

    private static void evaluate(Module module, Shape shape, long... numbers) {
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            Tensor input = scope.allocate(shape, DType.INT64);
            input.write(0, numbers, 0, numbers.length);
            Tensor weight = backend.upload(scope, Shape.of(5, 3), DType.FLOAT64, new double[15]);
            TestContext context = TestContext.of(backend, scope, (int) shape.size(0));
            module.evaluate(context, List.of(input), Map.of("weight", weight));
        }
    }
}
