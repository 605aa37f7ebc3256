// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Comments are no wider than code. Spotless wraps code; what it leaves alone are comments and string literals, and
 * messages stay in one piece so that they can be searched for. A comment that is one word, such as a link, may be
 * wider.
 */
class CommentWidthTest {

    private static final int WIDTH = 120;

    private static final Pattern COMMENT = Pattern.compile("\\s*(//|/?\\*).*");

    /** A comment's mark, perhaps a tag, and one word. */
    private static final Pattern ONE_WORD = Pattern.compile("\\s*(//|/?\\*+)\\s*(@\\w+\\s+)?\\S+(\\s+\\*/)?");

    @Test
    void comments_are_at_most_120_columns_wide() throws IOException {
        List<String> wide = new ArrayList<>();
        for (Path source : sources()) {
            List<String> lines = Files.readAllLines(source);
            for (int i = 0; i < lines.size(); i++) {
                String line = lines.get(i);
                if (line.codePointCount(0, line.length()) > WIDTH
                        && COMMENT.matcher(line).matches()
                        && !ONE_WORD.matcher(line).matches()) {
                    wide.add(source + ":" + (i + 1));
                }
            }
        }
        assertThat(wide).as("comments wider than %d columns", WIDTH).isEmpty();
    }

    private static List<Path> sources() throws IOException {
        try (Stream<Path> files = Files.walk(Path.of(".."))) {
            List<Path> sources = files.filter(file -> file.toString().endsWith(".java"))
                    .filter(file -> !file.toString().contains("/target/"))
                    .toList();
            assertThat(sources).as("sources of all modules").hasSizeGreaterThan(500);
            return sources;
        }
    }
}
