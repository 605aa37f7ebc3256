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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Compiles and runs the examples of the guides to training as they stand there. */
class TrainingGuidesTest {

    private static final Pattern EXAMPLE = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

    private static final String AROUND = """
            import io.backpack4j.kernel.*;
            import io.backpack4j.modules.linear.*;
            import io.backpack4j.modules.linear.loss.*;
            import io.backpack4j.spi.loss.*;
            import io.backpack4j.spi.tensor.*;
            import io.backpack4j.training.*;
            import io.backpack4j.training.data.*;
            import io.backpack4j.training.optimizer.*;

            public class Example {
                public static void run(float[] pixels, long[] labels) {
            %s
                }
            }
            """;

    @TempDir
    Path folder;

    /** Images whose class shows: a bright row. */
    @ParameterizedTest
    @ValueSource(strings = {"second-order-optimizers.md", "training.md"})
    void the_example_compiles_and_learns(String guide) throws Exception {
        Matcher example = EXAMPLE.matcher(Files.readString(Path.of("..", "docs", "guide", guide)));
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
        assertThat(Double.parseDouble(printed.substring(printed.lastIndexOf(' ') + 1)))
                .isLessThan(0.5);
    }

    /** What bench/experiments runs is a source file that no build compiles. */
    @Test
    void the_program_of_the_experiments_compiles() throws Exception {
        Path source = Path.of("..", "bench", "experiments", "Runs.java");
        assertThat(Example.compile(folder, "Runs", Files.readString(source)).getSimpleName())
                .isEqualTo("Runs");
    }
}
