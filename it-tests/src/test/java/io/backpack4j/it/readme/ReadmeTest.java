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

/** Compiles and runs the Java examples of the README and of the page for beginners as they stand there. */
class ReadmeTest {

    private static final Pattern EXAMPLE = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

    private static final String AROUND = """
            import io.backpack4j.ext.firstorder.*;
            import io.backpack4j.kernel.*;
            import io.backpack4j.modules.linear.*;
            import io.backpack4j.modules.linear.loss.*;
            import io.backpack4j.spi.tensor.*;

            public class Example {
                public static void run(float[] pixels, long[] labels) {
            %s
                }
            }
            """;

    private static final String AROUND_TRAINING = """
            import io.backpack4j.formats.ParameterFile;
            import io.backpack4j.kernel.*;
            import io.backpack4j.modules.linear.*;
            import io.backpack4j.modules.linear.loss.*;
            import io.backpack4j.spi.tensor.*;
            import io.backpack4j.training.*;
            import io.backpack4j.training.data.*;
            import io.backpack4j.training.metric.Accuracy;
            import io.backpack4j.training.optimizer.Adam;
            import java.nio.file.Path;

            public class Example {
                public static void run(float[] pixels, long[] labels) {
                    Path file = Path.of("%s");
            %s
                }
            }
            """;

    @TempDir
    Path folder;

    /** Images whose class shows: a bright row. */
    @Test
    void the_example_of_training_compiles_and_learns() throws Exception {
        String example = EXAMPLE.matcher(Files.readString(Path.of("..", "docs", "start.md")))
                .results()
                .map(found -> found.group(1))
                .filter(text -> text.contains("Trainer.builder"))
                .findFirst()
                .orElseThrow();
        Path file = folder.resolve("trained.safetensors");
        Class<?> compiled = Example.compile(folder, AROUND_TRAINING.formatted(file, example));
        long[] labels = new Random(2).longs(512, 0, 10).toArray();
        float[] pixels = new float[512 * 28 * 28];
        for (int n = 0; n < 512; n++) {
            for (int x = 0; x < 28; x++) {
                pixels[(n * 28 + 2 * (int) labels[n]) * 28 + x] = 1;
            }
        }
        assertThat(Double.parseDouble(output(compiled, pixels, labels).strip())).isEqualTo(1);
        assertThat(file).isNotEmptyFile();
    }

    @Test
    void the_example_compiles_and_runs() throws Exception {
        Matcher example = EXAMPLE.matcher(Files.readString(Path.of("..", "README.md")));
        assertThat(example.find()).as("the README has a Java example").isTrue();
        assertThat(Files.readString(Path.of("..", "docs", "start.md"))).contains(example.group());
        Class<?> compiled = Example.compile(folder, AROUND.formatted(example.group(1)));
        Random random = new Random(1);
        float[] pixels = new float[512 * 28 * 28];
        for (int i = 0; i < pixels.length; i++) {
            pixels[i] = random.nextFloat();
        }
        long[] labels = random.longs(512, 0, 10).toArray();
        assertThat(Double.parseDouble(output(compiled, pixels, labels).strip())).isBetween(0.5, 5.0);
    }

    private static String output(Class<?> example, float[] pixels, long[] labels) throws Exception {
        PrintStream before = System.out;
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        System.setOut(new PrintStream(bytes, true, StandardCharsets.UTF_8));
        try {
            example.getMethod("run", float[].class, long[].class).invoke(null, pixels, labels);
        } finally {
            System.setOut(before);
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }
}
