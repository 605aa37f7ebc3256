// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.commandline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.formats.Safetensors;
import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Operands of a run from a data file, with {@code evaluate}. */
class OperandsTest {

    private static final int SAMPLES = 4;

    private static final Map<String, long[]> SHAPES = Map.of(
            "0.weight", new long[] {1, 3, 2},
            "0.bias", new long[] {1, 3},
            "2.weight", new long[] {1, 2, 3},
            "2.bias", new long[] {1, 2});

    @TempDir
    private Path directory;

    private ClassLoader before;
    private URLClassLoader loader;

    /** Puts the plugin's jar on the class path, as the launcher does with those of {@code --plugins}. */
    @BeforeEach
    void addPlugin() throws MalformedURLException {
        before = Thread.currentThread().getContextClassLoader();
        URL jar = DirectionPlugin.pack(directory.resolve("plugins")).toUri().toURL();
        loader = new URLClassLoader(new URL[] {jar}, before);
        Thread.currentThread().setContextClassLoader(loader);
    }

    @AfterEach
    void removePlugin() throws IOException {
        Thread.currentThread().setContextClassLoader(before);
        loader.close();
    }

    private Workspace workspace() {
        Workspace workspace = new Workspace(directory)
                .option("--extensions", "Slopes,BatchGrad")
                .tensor("operand/scale/*", new long[] {}, -3);
        SHAPES.forEach((name, shape) -> workspace.tensor("operand/direction/" + name, shape, direction(shape)));
        return workspace;
    }

    private static double[] direction(long[] shape) {
        double[] values = new double[(int) (shape[1] * (shape.length == 3 ? shape[2] : 1))];
        for (int i = 0; i < values.length; i++) {
            values[i] = Math.cos(3 * i + values.length);
        }
        return values;
    }

    @Test
    void operands_reach_the_extension() {
        for (List<String> more : List.of(List.<String>of(), List.of("--threads", "2"))) {
            Workspace workspace = workspace();
            more.forEach(workspace::argument);
            Run run = workspace.run();
            assertThat(run.err()).isEmpty();
            assertThat(run.code()).isZero();
            try (Safetensors results = Safetensors.open(workspace.file("results.safetensors"))) {
                SHAPES.forEach((name, shape) -> {
                    double[] gradients = results.readDoubles(name + "/grad_batch");
                    double[] direction = direction(shape);
                    double[] expected = new double[SAMPLES];
                    for (int i = 0; i < gradients.length; i++) {
                        expected[i / direction.length] += -3 * direction[i % direction.length] * gradients[i];
                    }
                    assertThat(results.readDoubles(name + "/slopes")).containsExactly(expected, within(1e-14));
                });
            }
        }
    }

    @Test
    void operands_that_are_missing_ill_shaped_or_not_finite_are_refused_by_name() {
        Run missing = workspace()
                .without("operand/direction/0.bias")
                .without("operand/scale/*")
                .run();
        assertThat(missing.code()).isNotZero();
        assertThat(missing.err())
                .contains(
                        "[MissingOperand] The run brings no operand 'direction' of parameter '0.bias'",
                        "in a data file as 'operand/direction/0.bias'.",
                        "[MissingOperand] The run brings no operand 'scale' of the network");
        Run shaped = workspace()
                .tensor("operand/direction/2.bias", new long[] {2}, 1, 2)
                .run();
        assertThat(shaped.code()).isNotZero();
        assertThat(shaped.err())
                .contains(
                        "[ShapeMismatch] Operand 'direction' of parameter '2.bias' has shape [2], but was declared with [1, 2].");
        Run infinite = workspace()
                .tensor("operand/direction/2.bias", new long[] {1, 2}, 1, Double.POSITIVE_INFINITY)
                .run();
        assertThat(infinite.code()).isNotZero();
        assertThat(infinite.err()).contains("operand/direction/2.bias", "Infinity");
        assertThat(workspace().file("results.safetensors")).doesNotExist();
    }
}
