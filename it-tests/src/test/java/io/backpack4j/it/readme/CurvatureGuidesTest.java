// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.readme;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Compiles and runs the examples of guides to what curvature is for, as they stand there. */
class CurvatureGuidesTest {

    private static final Pattern EXAMPLE = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

    @TempDir
    Path folder;

    @ParameterizedTest
    @CsvSource({
        "influence.md, WhoDidThat, sample 0 changed it most",
        "continual-learning.md, TwoTasks, penalty=",
        "pruning.md, Smaller, '81 weights, expected increase'"
    })
    void the_example_compiles_and_says_what_it_found(String guide, String name, String found) throws Exception {
        Matcher example = EXAMPLE.matcher(Files.readString(Path.of("..", "docs", "guide", guide)));
        assertThat(example.find()).as("the guide has a Java example").isTrue();
        Class<?> compiled = Example.compile(folder, example.group(1).replace(name, "Example"));
        PrintStream before = System.out;
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        System.setOut(new PrintStream(bytes, true, StandardCharsets.UTF_8));
        try {
            compiled.getMethod("main", String[].class).invoke(null, (Object) new String[0]);
        } finally {
            System.setOut(before);
        }
        assertThat(bytes.toString(StandardCharsets.UTF_8)).contains(found);
    }
}
