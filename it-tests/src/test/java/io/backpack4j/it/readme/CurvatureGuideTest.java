// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.readme;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Compiles and runs the example of the guide to optimisers of second order as it stands there. */
class CurvatureGuideTest {

    private static final Pattern EXAMPLE = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

    private static final String AROUND = """
            import io.backpack4j.kernel.*;
            import io.backpack4j.modules.linear.*;
            import io.backpack4j.modules.linear.loss.*;
            import io.backpack4j.spi.tensor.*;
            import io.backpack4j.training.*;
            import io.backpack4j.training.data.*;

            public class Example {
                public static void run(float[] pixels, long[] labels) {
            %s
                }
            }
            """;

    @TempDir
    Path folder;

    /** Images whose class shows: a bright row. */
    @Test
    void the_example_compiles_and_learns() throws Exception {
        Matcher example =
                EXAMPLE.matcher(Files.readString(Path.of("..", "docs", "guide", "second-order-optimizers.md")));
        assertThat(example.find()).as("the guide has a Java example").isTrue();
        Class<?> compiled = Example.compile(folder, AROUND.formatted(example.group(1)));
        long[] labels = new Random(2).longs(512, 0, 10).toArray();
        float[] pixels = new float[512 * 28 * 28];
        for (int n = 0; n < 512; n++) {
            for (int x = 0; x < 28; x++) {
                pixels[(n * 28 + 2 * (int) labels[n]) * 28 + x] = 1;
            }
        }
        PrintStream before = System.out;
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        System.setOut(new PrintStream(bytes, true, StandardCharsets.UTF_8));
        try {
            compiled.getMethod("run", float[].class, long[].class).invoke(null, pixels, labels);
        } finally {
            System.setOut(before);
        }
        String printed = bytes.toString(StandardCharsets.UTF_8).strip();
        assertThat(Double.parseDouble(printed)).isLessThan(0.5);
    }
}
