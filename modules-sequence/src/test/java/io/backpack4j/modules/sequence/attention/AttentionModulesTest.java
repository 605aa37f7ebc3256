// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.module.Composition;
import io.backpack4j.spi.module.CompositionGraph;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleProvider;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.tensor.Shape;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Arguments, parameters and parts of attention and transformer layers. */
class AttentionModulesTest {

    private static final Shape SEQUENCE = Shape.of(3, 4);

    private static Module create(String type, Map<String, ? extends @Nullable Object> arguments) {
        ModuleProvider provider = AttentionArguments.providers().stream()
                .filter(it -> it.type().equals(type))
                .findFirst()
                .orElseThrow();
        Arguments given = new Arguments("node 'a' (" + type + ")", arguments);
        Module module = provider.create(given);
        given.rejectUnknown();
        return module;
    }

    private static CompositionGraph graph(Module module, Shape... inputs) {
        return ((Composition) module).compose(List.of(inputs));
    }

    private static List<String> parameters(CompositionGraph graph) {
        return graph.parameters().stream().map(ParameterSpec::name).toList();
    }

    private static List<String> parts(CompositionGraph graph) {
        return graph.parts().stream().map(CompositionGraph.Part::name).toList();
    }

    @Test
    void argumentsArePyTorchs() {
        assertThat(create("ScaledDotProductAttention", Map.of())).isEqualTo(new ScaledDotProductAttention(1, false));
        assertThat(create("MultiheadAttention", Map.of("embed_dim", 4, "num_heads", 2, "batch_first", true)))
                .isEqualTo(new MultiheadAttention(4, 2));
        assertThat(create(
                        "MultiheadAttention",
                        Map.of("embed_dim", 4, "num_heads", 2, "vdim", 3, "mode", "eval", "batch_first", true)))
                .isEqualTo(new MultiheadAttention(4, 2, 0, true, null, 3L, false, Mode.EVAL));
        TransformerLayer defaults = new TransformerLayer(
                4, 2, 2048, 0.1, TransformerLayer.Activation.RELU, 1e-5, false, true, false, Mode.TRAIN);
        assertThat(create("TransformerEncoderLayer", Map.of("d_model", 4, "nhead", 2, "batch_first", true)))
                .isEqualTo(new TransformerEncoderLayer(defaults));
        assertThat(create("TransformerDecoderLayer", Map.of("d_model", 4, "nhead", 2, "batch_first", true)))
                .isEqualTo(new TransformerDecoderLayer(defaults));
        Module encoder = new TransformerEncoderLayer(new TransformerLayer(4, 2, 3));
        assertThat(create("TransformerEncoderLayer", encoder.arguments())).isEqualTo(encoder);
    }

    @Test
    void parametersArePyTorchs() {
        assertThat(parameters(graph(new MultiheadAttention(4, 2), SEQUENCE, SEQUENCE, SEQUENCE)))
                .containsExactly("in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias");
        Module others = new MultiheadAttention(4, 2, 0, false, 3L, 5L, false, Mode.TRAIN);
        CompositionGraph graph = graph(others, SEQUENCE, Shape.of(2, 3), Shape.of(2, 5));
        assertThat(parameters(graph))
                .containsExactly("q_proj_weight", "k_proj_weight", "v_proj_weight", "out_proj.weight");
        assertThat(graph.parameters().get(2).shape()).isEqualTo(Shape.of(4, 5));
    }

    @Test
    void normsAreBehindTheSumsOrInFront() {
        TransformerLayer layer = new TransformerLayer(4, 2, 3);
        assertThat(parts(graph(new TransformerEncoderLayer(layer), SEQUENCE)))
                .containsExactly(
                        "self_attn",
                        "dropout1",
                        "sum1",
                        "norm1",
                        "linear1",
                        "activation",
                        "dropout",
                        "linear2",
                        "dropout2",
                        "sum2",
                        "norm2");
        TransformerLayer first =
                new TransformerLayer(4, 2, 3, 0, TransformerLayer.Activation.GELU, 1e-5, true, true, false, Mode.TRAIN);
        assertThat(parts(graph(new TransformerDecoderLayer(first), SEQUENCE, SEQUENCE)))
                .containsSubsequence("norm1", "self_attn", "sum1", "norm2", "multihead_attn", "norm3", "sum3");
    }

    @Test
    void masksAreIntegersAndGoToTheirAttention() {
        Module decoder = new TransformerDecoderLayer(new TransformerLayer(4, 2, 3));
        CompositionGraph graph = graph(decoder, SEQUENCE, Shape.of(2, 4), Shape.of(3), Shape.of(2));
        assertThat(graph.parts())
                .filteredOn(part -> part.type().equals("MultiheadAttention"))
                .extracting(part -> part.inputs().get(3))
                .containsExactly("input:2", "input:3");
        assertThat(decoder.takesIntegers(1)).isFalse();
        assertThat(decoder.takesIntegers(2)).isTrue();
        assertThat(decoder.takesIntegers(3)).isTrue();
        assertThat(new TransformerEncoderLayer(new TransformerLayer(4, 2, 3)).takesIntegers(1))
                .isTrue();
        assertThat(new MultiheadAttention(4, 2).takesIntegers(3)).isTrue();
        assertThat(new ScaledDotProductAttention(1, false).takesIntegers(2)).isFalse();
    }

    @Test
    void modesAreThoseOfDropout() {
        Module layer = new TransformerEncoderLayer(new TransformerLayer(4, 2, 3)).inMode(Mode.EVAL);
        assertThat(layer.arguments()).containsEntry("mode", "eval").containsEntry("batch_first", true);
        assertThat(new MultiheadAttention(4, 2).inMode(Mode.EVAL).mode()).isEqualTo(Mode.EVAL);
    }

    @Test
    void whatDoesNotFitIsRefused() {
        var core = new ScaledDotProductAttention(2, true);
        assertThatThrownBy(() -> core.declare(List.of(SEQUENCE, Shape.of(2, 4), Shape.of(2, 4))))
                .hasMessageContaining("needs as many keys as queries")
                .hasMessageContaining("3 queries and 2 keys");
        assertThatThrownBy(() -> core.declare(List.of(SEQUENCE, SEQUENCE))).hasMessageContaining("2 input(s)");
        assertThatThrownBy(() -> core.declare(List.of(Shape.of(3, 3), Shape.of(3, 3), SEQUENCE)))
                .hasMessageContaining("has 2 heads");
        assertThatThrownBy(() -> core.declare(List.of(SEQUENCE, SEQUENCE, SEQUENCE, Shape.of(2))))
                .hasMessageContaining("perhaps a mask [S]");
        var dropping = new ScaledDotProductAttention(1, false, 0.1, null, Mode.TRAIN);
        Shape many = Shape.of(1 << 16, 1);
        assertThatThrownBy(() -> dropping.declare(List.of(many, many, many))).hasMessageContaining("Set the dropout");
        assertThatThrownBy(() -> new MultiheadAttention(5, 2)).hasMessageContaining("a multiple of num_heads = 2");
        assertThatThrownBy(() -> new ScaledDotProductAttention(1, false, 1.5, null, Mode.EVAL))
                .hasMessageContaining("'dropout'");
        assertThatThrownBy(() -> graph(new MultiheadAttention(4, 2), SEQUENCE, Shape.of(3, 3), SEQUENCE))
                .hasMessageContaining("[T, 4], [S, 4] and [S, 4]");
        assertThatThrownBy(() ->
                        create("MultiheadAttention", Map.of("embed_dim", 4, "num_heads", 2, "batch_first", false)))
                .hasMessageContaining("Write \"batch_first\": true");
        assertThatThrownBy(() -> create("TransformerEncoderLayer", Map.of("d_model", 4, "nhead", 2)))
                .hasMessageContaining("PyTorch's default is false");
        assertThatThrownBy(() -> create(
                        "MultiheadAttention",
                        Map.of("embed_dim", 4, "num_heads", 2, "add_bias_kv", true, "batch_first", true)))
                .hasMessageContaining("add_bias_kv");
        assertThatThrownBy(() -> new TransformerLayer(5, 2, 3)).hasMessageContaining("a multiple of nhead = 2");
        Module encoder = new TransformerEncoderLayer(new TransformerLayer(4, 2, 3));
        assertThatThrownBy(() -> graph(encoder, Shape.of(3, 5))).hasMessageContaining("takes samples [T, 4]");
        assertThatThrownBy(() -> graph(new TransformerDecoderLayer(new TransformerLayer(4, 2, 3)), SEQUENCE))
                .hasMessageContaining("a target, a memory");
    }
}
