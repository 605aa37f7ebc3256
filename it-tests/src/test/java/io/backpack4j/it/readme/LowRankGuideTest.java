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

/** Compiles and runs the example of the guide to low-rank curvature as it stands there. */
class LowRankGuideTest {

    private static final Pattern EXAMPLE = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

    private static final String AROUND = """
            import io.backpack4j.ext.vivit.*;
            import io.backpack4j.kernel.*;
            import io.backpack4j.modules.conv.*;
            import io.backpack4j.modules.linear.*;
            import io.backpack4j.modules.linear.loss.*;
            import io.backpack4j.spi.tensor.*;
            import java.util.Arrays;
            import java.util.Random;
            import java.util.stream.IntStream;

            public class Example {
                private static Batch batch(BackPack backpack, int count) {
                    Random random = new Random(0);
                    double[] pixels = random.doubles(count * 144L).toArray();
                    return backpack.batch(DType.FLOAT64)
                            .input(Graph.INPUT, Shape.of(count, 1, 12, 12), pixels)
                            .targets(Shape.of(count), random.longs(count, 0, 10).toArray())
                            .build();
                }

                private static void train(BackPack backpack, Model model, Batch batch, int steps) {
                    for (int step = 0; step < steps; step++) {
                        try (Results results = backpack.compute(model, batch)) {
                            for (String parameter : model.parameters().trainable()) {
                                double[] gradient = results.gradient(parameter).toDoubleArray();
                                add(model, parameter, -0.2, gradient);
                            }
                        }
                    }
                }

                private static void add(Model model, String parameter, Tensor step) {
                    add(model, parameter, 1, step.toDoubleArray());
                }

                private static void add(Model model, String parameter, double factor, double[] step) {
                    double[] values = model.parameters().get(parameter).toDoubleArray();
                    Arrays.setAll(values, i -> values[i] + factor * step[i]);
                    model.parameters().set(parameter, values);
                }

                public static void run() {
            %s
                }
            }
            """;

    @TempDir
    Path folder;

    @Test
    void the_example_compiles_and_runs() throws Exception {
        Matcher example = EXAMPLE.matcher(Files.readString(Path.of("..", "docs", "guide", "low-rank-curvature.md")));
        assertThat(example.find()).as("the guide has a Java example").isTrue();
        Class<?> compiled = Example.compile(folder, AROUND.formatted(example.group(1)));
        PrintStream before = System.out;
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        System.setOut(new PrintStream(bytes, true, StandardCharsets.UTF_8));
        try {
            compiled.getMethod("run").invoke(null);
        } finally {
            System.setOut(before);
        }
        assertThat(bytes.toString(StandardCharsets.UTF_8))
                .startsWith("160 eigenvalues")
                .contains("[10, 6, 1, 5, 5]")
                .endsWith("true" + System.lineSeparator());
    }
}
