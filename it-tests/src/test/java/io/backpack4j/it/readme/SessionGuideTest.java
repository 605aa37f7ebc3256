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

/** Compiles and runs the examples of the guide to sessions as they stand there. */
class SessionGuideTest {

    private static final Pattern EXAMPLE = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

    private static final String AROUND = """
            import io.backpack4j.ext.firstorder.*;
            import io.backpack4j.ext.secondorder.*;
            import io.backpack4j.formats.*;
            import io.backpack4j.kernel.*;
            import io.backpack4j.modules.linear.*;
            import io.backpack4j.modules.linear.loss.*;
            import io.backpack4j.spi.tensor.*;
            import java.io.*;
            import java.nio.file.Path;
            import java.util.*;
            import java.util.stream.LongStream;

            public class Example {
                private static Batch batch(BackPack backpack, int from, int to) {
                    Random random = new Random(from);
                    int count = to - from;
                    double[] pixels = random.doubles(count * 784L).toArray();
                    return backpack.batch(DType.FLOAT32)
                            .input(Graph.INPUT, Shape.of(count, 784), pixels)
                            .targets(Shape.of(count), random.longs(count, 0, 10).toArray())
                            .sampleIds(LongStream.range(from, to).toArray())
                            .build();
                }

                public static void run(Path folder) throws Exception {
            %s
                }
            }
            """;

    @TempDir
    Path folder;

    @Test
    void the_examples_compile_and_run() throws Exception {
        Matcher example = EXAMPLE.matcher(Files.readString(Path.of("..", "docs", "guide", "sessions.md")));
        assertThat(example.find()).as("the guide has a Java example").isTrue();
        assertThat(output("first", example.group(1))).startsWith("300 [32, 784] ");
        assertThat(example.find()).as("the guide has another").isTrue();
        assertThat(output("second", example.group(1)))
                .startsWith("Session of 0 samples in 0 batches, ids RANGES, results per sample HAND_OVER: a state of ")
                .contains("128 [32, 784] ");
    }

    private String output(String name, String example) throws Exception {
        Class<?> compiled = Example.compile(Files.createDirectory(folder.resolve(name)), AROUND.formatted(example));
        PrintStream before = System.out;
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        System.setOut(new PrintStream(bytes, true, StandardCharsets.UTF_8));
        try {
            compiled.getMethod("run", Path.class).invoke(null, folder);
        } finally {
            System.setOut(before);
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }
}
