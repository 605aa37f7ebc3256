// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.thirdparty;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The guide shows what is compiled, all of it, and nothing else. */
class GuideTest {

    private static final Pattern BLOCK = Pattern.compile("^```(\\w+)\\n(.*?)^```$", Pattern.MULTILINE | Pattern.DOTALL);

    private static List<String> blocks(String language) throws IOException {
        Path page = LauncherTest.ROOT.resolve("docs/guide/write-a-plugin.md");
        return BLOCK.matcher(Files.readString(page))
                .results()
                .filter(block -> block.group(1).equals(language))
                .map((MatchResult block) -> block.group(2))
                .toList();
    }

    @Test
    void java_blocks_are_the_compiled_sources() throws IOException {
        Map<String, String> sources = ExternalJars.sources();
        assertThat(blocks("java"))
                .containsExactlyInAnyOrderElementsOf(sources.entrySet().stream()
                        .filter(entry -> entry.getKey().endsWith(".java"))
                        .map(Map.Entry::getValue)
                        .toList());
        assertThat(blocks("text")).contains(sources.get("META-INF/services/io.backpack4j.spi.Plugin"));
    }

    @Test
    void the_model_is_the_one_that_the_tests_run() throws IOException {
        assertThat(blocks("json")).containsExactly(Files.readString(ExternalJars.RESOURCES.resolve("model.json")));
    }

    @Test
    void each_part_is_short() {
        ExternalJars.sources().forEach((name, source) -> {
            long lines = source.lines()
                    .filter(line -> !line.isBlank() && !line.startsWith("import ") && !line.startsWith("package "))
                    .count();
            assertThat(lines).as(name).isLessThanOrEqualTo(50);
        });
    }
}
