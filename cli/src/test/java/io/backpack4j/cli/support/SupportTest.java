// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.support;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.cli.console.Text;
import io.backpack4j.spi.Problem;
import io.backpack4j.spi.ProblemId;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What the table of support prints. */
class SupportTest {

    private final StringWriter text = new StringWriter();
    private final PrintWriter out = new PrintWriter(text);

    @Test
    void support_tells_what_prevents_it() {
        Map<String, Optional<Map<String, Optional<Problem>>>> rows = new LinkedHashMap<>();
        Map<String, Optional<Problem>> row = new LinkedHashMap<>();
        row.put("A", Optional.empty());
        row.put("B", Optional.of(new Problem(new ProblemId("NoWay", "A test.", "None."), "It cannot.")));
        rows.put("Linear", Optional.of(row));
        rows.put("Strange", Optional.empty());
        SupportCommand.print(rows, List.of("A", "B"), out);
        assertThat(lines())
                .contains(
                        "Strange  ?    ?".replaceAll("    ", " ".repeat(Math.max(1, Text.TICK.length()) + 1)),
                        "An example of each problem:",
                        "  [NoWay] It cannot.")
                .anyMatch(line -> line.matches("Linear   " + Text.TICK + "  NoWay"))
                .anyMatch(line -> line.startsWith("?  no example"));
    }

    @Test
    void wide_support_tables_come_in_parts() {
        List<String> extensions =
                IntStream.range(10, 30).mapToObj(i -> "Extension" + i).toList();
        Map<String, Optional<Problem>> row = new LinkedHashMap<>();
        extensions.forEach(extension -> row.put(extension, Optional.empty()));
        SupportCommand.print(Map.of("Linear", Optional.of(row)), extensions, out);
        assertThat(lines()).allMatch(line -> line.length() <= 100);
        assertThat(lines().filter(line -> line.startsWith("module"))).hasSize(3);
    }

    private Stream<String> lines() {
        out.flush();
        return text.toString().lines();
    }
}
