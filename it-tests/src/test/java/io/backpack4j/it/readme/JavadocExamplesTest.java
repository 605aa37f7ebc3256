// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.readme;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The types that users and authors of plugins start at have an example in their Javadoc, which compiles. */
class JavadocExamplesTest {

    /** The first example of a type, which stands before the type. */
    private static final Pattern EXAMPLE =
            Pattern.compile("\\A.*?<pre>\\{@code\\R(.*?)\\* }</pre>.*?\\*/\\R(?:@\\w+\\R)*public ", Pattern.DOTALL);

    private static final String IMPORTS = """
            import io.backpack4j.ext.firstorder.*;
            import io.backpack4j.kernel.*;
            import io.backpack4j.modules.linear.*;
            import io.backpack4j.spi.*;
            import io.backpack4j.spi.backend.*;
            import io.backpack4j.spi.extension.*;
            import io.backpack4j.spi.loss.*;
            import io.backpack4j.spi.module.*;
            import io.backpack4j.spi.module.Module;
            import io.backpack4j.spi.tensor.*;
            import java.util.*;
            """;

    /** What examples take as given. */
    private static final String GIVEN = """
            static BackPack backpack;
            static Backend backend;
            static Graph graph;
            static Loss loss;
            static Module module;
            static Model model;
            static Batch batch;
            static List<Batch> batches;
            static Variance variance;
            static float[] pixels;
            static long[] labels;
            static double[] weights;
            static EvaluationContext context;
            static Tensor input, weight, cotangents, output, targets;
            """;

    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "kernel/src/main/java/io/backpack4j/kernel/BackPack",
                "kernel/src/main/java/io/backpack4j/kernel/Graph",
                "kernel/src/main/java/io/backpack4j/kernel/Model",
                "kernel/src/main/java/io/backpack4j/kernel/Plan",
                "kernel/src/main/java/io/backpack4j/kernel/Results",
                "kernel/src/main/java/io/backpack4j/kernel/Session",
                "spi/src/main/java/io/backpack4j/spi/Plugin",
                "spi/src/main/java/io/backpack4j/spi/backend/Backend",
                "spi/src/main/java/io/backpack4j/spi/extension/Extension",
                "spi/src/main/java/io/backpack4j/spi/loss/Loss",
                "spi/src/main/java/io/backpack4j/spi/module/Module"
            })
    void the_example_of_a_type_compiles(String type) throws IOException, ClassNotFoundException {
        Matcher example = EXAMPLE.matcher(Files.readString(Path.of("..", type + ".java")));
        assertThat(example.find()).as("%s has an example", type).isTrue();
        String code = example.group(1).replaceAll("(?m)^ \\* ?", "");
        String body = code.startsWith("public ")
                ? code.replaceFirst("^public ", "public static ")
                : "static void run() {\n" + code + "}\n";
        Example.compile(folder, IMPORTS + "public class Example {\n" + GIVEN + body + "}\n");
    }
}
