// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.report;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.backpack4j.cli.Main;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine;

/**
 * A run of the demo.
 *
 * @param file the page that it wrote
 * @param page its text
 * @param printed what it printed
 */
record Demo(Path file, String page, String printed) {

    private static final String START = "<script type=\"application/json\" id=\"data\">";

    static Demo run(Path file, String... arguments) throws IOException {
        List<String> all = new ArrayList<>(List.of("demo", "--backend", "cpu", "--threads", "1"));
        all.addAll(List.of("--out", file.toString()));
        all.addAll(List.of(arguments));
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int code = new CommandLine(new Main())
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(all.toArray(String[]::new));
        assertThat(code).as(err.toString()).isZero();
        return new Demo(file, Files.readString(file), out.toString());
    }

    /** The numbers that the page holds. */
    JsonNode data() throws IOException {
        int from = page.indexOf(START) + START.length();
        return new ObjectMapper().readTree(page.substring(from, page.indexOf("</script>", from)));
    }
}
