// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.site;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.Tanh;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.extension.ExtensionDescription;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** What extensions say of themselves is true, and docs/quantities.md says the same. */
class QuantitiesDocumentTest {

    private static final Path DOCUMENT = Path.of("..", "docs", "quantities.md");

    @Test
    void the_document_is_current() throws IOException {
        String current = QuantitiesDocument.current();
        if (Boolean.getBoolean("golden.write")) {
            Files.writeString(DOCUMENT, current);
        }
        assertThat(Files.readString(DOCUMENT).replace("\r\n", "\n"))
                .as("docs/quantities.md; write it anew with -Dgolden.write=true -Dtest=QuantitiesDocumentTest")
                .isEqualTo(current);
    }

    @Test
    void options_are_those_that_extensions_ask_for() {
        try (BackPack backpack = BackPack.create()) {
            for (String type : backpack.catalog().extensionTypes()) {
                BackpackException refused = catchThrowableOfType(
                        BackpackException.class, () -> backpack.catalog().extension(type, Map.of("no_such_option", 1)));
                Set<String> asked = new TreeSet<>();
                String message = refused.getMessage();
                int list = message.indexOf("It takes: ");
                if (list >= 0) {
                    asked.addAll(Arrays.asList(message.substring(list + 10, message.indexOf('.', list))
                            .split(", ")));
                }
                Set<String> described = new TreeSet<>();
                description(backpack, type).options().forEach(option -> described.add(option.name()));
                assertThat(described).as(type).isEqualTo(asked);
            }
        }
    }

    /** Ranks are compared where a shape has no alternatives: {@code *p} stands for the axes of a parameter. */
    @Test
    void results_have_the_names_and_ranks_that_are_described() {
        Graph graph = Graph.sequential(new Linear(3, 4), new Tanh(), new Linear(4, 2));
        try (BackPack backpack = BackPack.create();
                Model model = backpack.model(graph, new CrossEntropyLoss(), DType.FLOAT64, Shape.of(3));
                Batch batch = backpack.batch(DType.FLOAT64)
                        .input(Graph.INPUT, Shape.of(5, 3), new double[15])
                        .targets(Shape.of(5), new long[] {0, 1, 0, 1, 1})
                        .build()) {
            model.parameters().initialize(0);
            for (String type : backpack.catalog().extensionTypes()) {
                Request<?> request = Request.of(backpack.catalog().extension(type, Map.of()));
                try (Results results = backpack.compute(model, batch, List.of(request), PassOptions.DEFAULT)) {
                    check(type, description(backpack, type), results);
                }
            }
        }
    }

    private static void check(String type, ExtensionDescription description, Results results) {
        List<String> plain = List.of("loss", "output", "loss_batch");
        Set<String> own = new TreeSet<>(results.tensors().keySet());
        own.removeIf(name -> plain.contains(name) || name.endsWith("/grad"));
        results.products().keySet().forEach(name -> own.add(name.contains("/") ? name : name + "/" + type));
        List<String> unknown = new ArrayList<>(own);
        for (ExtensionDescription.Result result : description.results()) {
            String found = result.name().replace("<p>", "2.weight");
            assertThat(own).as(type).contains(found);
            unknown.removeIf(name -> name.endsWith(result.name().replaceFirst("^(<p>|\\*)", "")));
            if (results.tensors().containsKey(found) && !result.shape().contains("], ")) {
                int rank = result.shape().equals("*p")
                        ? 2
                        : result.shape().replaceAll("\\([^)]*\\)", "").split(",").length
                                + (result.shape().contains("*p") ? 1 : 0);
                assertThat(results.tensors().get(found).shape().rank())
                        .as(found)
                        .isEqualTo(rank);
            }
        }
        assertThat(unknown)
                .as("results of " + type + " that it does not describe")
                .isEmpty();
    }

    private static ExtensionDescription description(BackPack backpack, String type) {
        return backpack.catalog().description(type).orElseThrow(() -> new AssertionError(type + " has no description"));
    }
}
