// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.attention;

import io.backpack4j.modules.sequence.BatchFirst;
import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.RecordArguments;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleProvider;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads and writes the arguments of attention modules. */
public final class AttentionArguments {

    private AttentionArguments() {}

    /** All modules of this package. */
    public static List<ModuleProvider> providers() {
        return List.of(
                ModuleProvider.of("ScaledDotProductAttention", AttentionArguments::core),
                ModuleProvider.of("MultiheadAttention", AttentionArguments::attention),
                ModuleProvider.of(
                        "TransformerEncoderLayer", arguments -> new TransformerEncoderLayer(layer(arguments))),
                ModuleProvider.of(
                        "TransformerDecoderLayer", arguments -> new TransformerDecoderLayer(layer(arguments))));
    }

    /** The components of a record, and that the batch comes first. */
    static Map<String, @Nullable Object> of(Record described, String type) {
        Map<String, @Nullable Object> arguments = RecordArguments.of(described, type);
        arguments.put(BatchFirst.NAME, true);
        return arguments;
    }

    private static Module core(Arguments arguments) {
        return new ScaledDotProductAttention(
                arguments.integer("num_heads", 1),
                arguments.flag("causal", false),
                arguments.number("dropout", 0),
                arguments.has("scale") ? Double.valueOf(arguments.number("scale")) : null,
                mode(arguments));
    }

    private static Module attention(Arguments arguments) {
        BatchFirst.require(arguments);
        for (String name : List.of("add_bias_kv", "add_zero_attn")) {
            if (arguments.flag(name, false)) {
                throw arguments.wrong(name, "false: attention with keys of its own is not supported", true);
            }
        }
        return new MultiheadAttention(
                arguments.integer("embed_dim"),
                arguments.integer("num_heads"),
                arguments.number("dropout", 0),
                arguments.flag("bias", true),
                optional(arguments, "kdim"),
                optional(arguments, "vdim"),
                arguments.flag("causal", false),
                mode(arguments));
    }

    private static TransformerLayer layer(Arguments arguments) {
        BatchFirst.require(arguments);
        return new TransformerLayer(
                arguments.integer("d_model"),
                arguments.integer("nhead"),
                arguments.integer("dim_feedforward", 2048),
                arguments.number("dropout", 0.1),
                TransformerLayer.Activation.valueOf(
                        arguments.word("activation", "relu", "relu", "gelu").toUpperCase(Locale.ROOT)),
                arguments.number("layer_norm_eps", 1e-5),
                arguments.flag("norm_first", false),
                arguments.flag("bias", true),
                arguments.flag("causal", false),
                mode(arguments));
    }

    private static @Nullable Long optional(Arguments arguments, String name) {
        return arguments.has(name) ? Long.valueOf(arguments.integer(name)) : null;
    }

    private static Mode mode(Arguments arguments) {
        return arguments.word("mode", "train", "train", "eval").equals("train") ? Mode.TRAIN : Mode.EVAL;
    }
}
