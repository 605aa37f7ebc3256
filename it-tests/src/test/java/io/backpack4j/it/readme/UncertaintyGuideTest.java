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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Compiles and runs the example of the guide to uncertainty as it stands there. */
class UncertaintyGuideTest {

    private static final Pattern EXAMPLE = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

    @TempDir
    Path folder;

    @Test
    void the_example_is_less_sure_far_from_its_data() throws Exception {
        Matcher example = EXAMPLE.matcher(Files.readString(Path.of("..", "docs", "guide", "uncertainty.md")));
        assertThat(example.find()).as("the guide has a Java example").isTrue();
        Class<?> compiled = Example.compile(folder, example.group(1).replace("Uncertainty", "Example"));
        PrintStream before = System.out;
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        System.setOut(new PrintStream(bytes, true, StandardCharsets.UTF_8));
        try {
            compiled.getMethod("main", String[].class).invoke(null, (Object) new String[0]);
        } finally {
            System.setOut(before);
        }
        Matcher variance = Pattern.compile("variance ([0-9.]+)").matcher(bytes.toString(StandardCharsets.UTF_8));
        double[] variances = variance.results()
                .mapToDouble(found -> Double.parseDouble(found.group(1)))
                .toArray();
        assertThat(variances).hasSize(3);
        assertThat(variances[2]).isGreaterThan(variances[1]);
        assertThat(bytes.toString(StandardCharsets.UTF_8)).contains("accuracy").contains("ece");
    }
}
