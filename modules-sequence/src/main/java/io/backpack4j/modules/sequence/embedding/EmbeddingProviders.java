// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.embedding;

import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.module.ModuleProvider;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Makes embeddings from arguments with PyTorch's names and defaults. */
public final class EmbeddingProviders {

    private static final String PADDING_INDEX = "padding_idx";

    private EmbeddingProviders() {}

    /** Those of all types of this package. */
    public static List<ModuleProvider> all() {
        return List.of(
                ModuleProvider.of("Embedding", EmbeddingProviders::embedding),
                ModuleProvider.of("EmbeddingBag", EmbeddingProviders::bag));
    }

    private static Embedding embedding(Arguments arguments) {
        long rows = arguments.integer("num_embeddings");
        refuse(arguments);
        if (arguments.flag("_freeze", false)) {
            throw arguments.wrong("_freeze", "false, because nodes are frozen by requires_grad", true);
        }
        return new Embedding(rows, arguments.integer("embedding_dim"), padding(arguments, rows));
    }

    private static EmbeddingBag bag(Arguments arguments) {
        long rows = arguments.integer("num_embeddings");
        refuse(arguments);
        if (arguments.flag("include_last_offset", false)) {
            throw arguments.wrong(
                    "include_last_offset", "false, because bags are rows of ids [N, L] and have no offsets", true);
        }
        String mode = arguments.word("mode", "mean", "mean", "sum");
        return new EmbeddingBag(
                rows,
                arguments.integer("embedding_dim"),
                EmbeddingBag.Mode.valueOf(mode.toUpperCase(Locale.ROOT)),
                padding(arguments, rows));
    }

    /** A negative number counts from the last row. */
    private static @Nullable Long padding(Arguments arguments, long rows) {
        if (!arguments.has(PADDING_INDEX)) {
            return null;
        }
        long index = arguments.integer(PADDING_INDEX);
        return index < 0 ? index + rows : index;
    }

    /** Arguments that would make the table's rows, or their gradients, depend on more than the sample. */
    private static void refuse(Arguments arguments) {
        if (arguments.has("max_norm")) {
            throw arguments.wrong(
                    "max_norm",
                    "null, because looking up rows would change them. Leave it out",
                    arguments.value("max_norm"));
        }
        arguments.number("norm_type", 2);
        if (arguments.has("_weight")) {
            throw arguments.wrong(
                    "_weight", "null, because a table's numbers are set as a parameter. Leave it out", "a tensor");
        }
        if (arguments.flag("scale_grad_by_freq", false)) {
            throw arguments.wrong(
                    "scale_grad_by_freq",
                    "false, because gradients of single samples would depend on the whole batch. Leave it out",
                    true);
        }
        if (arguments.flag("sparse", false)) {
            throw arguments.wrong("sparse", "false, because gradients have the shape of their parameter", true);
        }
    }
}
