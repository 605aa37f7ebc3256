// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.site;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Catalog;
import io.backpack4j.spi.extension.ExtensionDescription;
import java.util.ArrayList;
import java.util.List;

/** The table of quantities, made of what extensions say of themselves. */
final class QuantitiesDocument {

    private static final String HEAD = """
            # Quantities

            What extensions compute, as they describe it themselves. L = c · Σ_n ℓ_n is the loss, g_n = c · ∇ℓ_n an individual gradient, ḡ their mean, J_n the Jacobian of the output of sample n;
            `<p>` stands for a parameter, `*p` for its shape, `*` for the whole network. [What the numbers mean](guide/what-the-numbers-mean.md) explains c.

            Every pass has these results:

            | result | shape | value | scales with |
            |---|---|---|---|
            | `loss` | `[]` | L | c |
            | `output` | `[N, …]` | the network's output | |
            | `loss_batch` | `[N]` | ℓ_n | |
            | `<p>/grad` | `*p` | Σ_n g_n | c |

            | extension | result | shape | value | scales with | options | source |
            |---|---|---|---|---|---|---|
            """;

    private QuantitiesDocument() {}

    /** The document as the plugins on the class path make it. */
    static String current() {
        try (BackPack backpack = BackPack.create()) {
            return of(backpack.catalog());
        }
    }

    private static String of(Catalog catalog) {
        List<String> options = new ArrayList<>();
        StringBuilder table = new StringBuilder(HEAD);
        for (String type : catalog.extensionTypes()) {
            ExtensionDescription description = catalog.description(type)
                    .orElseThrow(() -> new IllegalStateException("Extension " + type
                            + " has no description: its plugin lacks ExtensionProvider.describedBy(…)."));
            boolean first = true;
            for (ExtensionDescription.Result result : description.results()) {
                table.append("| %s | `%s` | %s | %s | %s | %s | %s |\n"
                        .formatted(
                                first ? "`" + type + "`" : "",
                                result.name(),
                                shape(result.shape()),
                                escaped(result.formula()),
                                result.scaling(),
                                first ? names(description) : "",
                                first ? description.source() : ""));
                first = false;
            }
            for (ExtensionDescription.Option option : description.options()) {
                options.add("| `%s` | `%s` | %s | %s |"
                        .formatted(type, option.name(), option.otherwise(), escaped(option.meaning())));
            }
        }
        return table + """

                ## Options

                | extension | option | default | meaning |
                |---|---|---|---|
                %s

                All take `as=NAME` for another result name, and `parameters=[GLOB,…]` for some parameters only.
                """.formatted(String.join("\n", options));
    }

    private static String shape(String text) {
        return text.replaceAll("\\[[^\\]]*\\]|\\*p", "`$0`");
    }

    private static String names(ExtensionDescription description) {
        return String.join(
                ", ",
                description.options().stream()
                        .map(option -> "`" + option.name() + "`")
                        .toList());
    }

    /** Text of a table: {@code *} and {@code <} would be markup. */
    private static String escaped(String text) {
        return text.replace("|", "\\|").replace("*", "\\*").replace("<", "&lt;");
    }
}
