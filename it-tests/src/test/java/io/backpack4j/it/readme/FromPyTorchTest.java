// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.readme;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.backpack4j.cli.Main;
import io.backpack4j.formats.Safetensors;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Runs the guide from PyTorch as it stands there, where Python finds torch and safetensors: {@code python3}, or the
 * interpreter that the environment variable {@code BACKPACK_TEST_PYTHON} names.
 */
class FromPyTorchTest {

    private static final Path ROOT = Path.of("..");
    private static final Pattern PYTHON = Pattern.compile("```python\n(.*?)```", Pattern.DOTALL);
    private static final Pattern COMMAND = Pattern.compile("^\\./backpack (.*)$", Pattern.MULTILINE);

    @TempDir
    private Path directory;

    @Test
    void the_guide_goes_from_a_model_to_a_table_of_norms() throws Exception {
        assumeTrue(python("import torch, safetensors").code() == 0, "Python finds no torch and safetensors here");
        String guide = Files.readString(ROOT.resolve("docs/guide/from-pytorch.md"), StandardCharsets.UTF_8)
                .replace("\r\n", "\n");
        List<String> scripts = matches(PYTHON, guide);
        List<String> commands = matches(COMMAND, guide);
        assertThat(scripts).hasSize(2);
        assertThat(commands).hasSize(2);

        Outcome exported = python(scripts.get(0));
        assertThat(exported.code()).as(exported.text()).isZero();
        assertThat(backpack(commands.get(0))).startsWith("check: 9 tensors agree with");
        backpack(commands.get(1));
        Outcome table = python(scripts.get(1));
        assertThat(table.code()).as(table.text()).isZero();
        checkTable(table.text().lines().toList());
    }

    private void checkTable(List<String> lines) {
        assertThat(lines).hasSize(16);
        double[] squares = new double[16];
        try (Safetensors results = Safetensors.open(directory.resolve("net/results.safetensors"))) {
            results.tensors().keySet().stream()
                    .filter(name -> name.endsWith("/batch_l2"))
                    .map(results::readDoubles)
                    .forEach(norms -> Arrays.setAll(squares, i -> squares[i] + norms[i]));
        }
        for (int sample = 0; sample < 16; sample++) {
            String[] columns = lines.get(sample).trim().split(" +");
            assertThat(columns[0]).isEqualTo(String.valueOf(sample));
            assertThat(Double.parseDouble(columns[1])).isCloseTo(Math.sqrt(squares[sample]), within(1e-5));
            assertThat(squares[sample]).isPositive();
        }
    }

    /** Runs a command of the guide, whose paths are relative to the directory. */
    private String backpack(String command) {
        String[] arguments = Stream.of(command.split(" +"))
                .map(word -> word.startsWith("net/") ? directory.resolve(word).toString() : word)
                .toArray(String[]::new);
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int code = Main.run(new PrintWriter(out), new PrintWriter(err), arguments);
        assertThat(code).as(err.toString()).isZero();
        return out.toString();
    }

    /**
     * What a script did.
     *
     * @param code the exit code; not 0 either where there is no Python
     * @param text what it wrote
     */
    private record Outcome(int code, String text) {}

    private Outcome python(String script) throws InterruptedException {
        String interpreter = Objects.requireNonNullElse(System.getenv("BACKPACK_TEST_PYTHON"), "python3");
        Path text = directory.resolve("python.txt");
        ProcessBuilder builder = new ProcessBuilder(interpreter, "-c", script)
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .redirectOutput(text.toFile());
        builder.environment()
                .put(
                        "PYTHONPATH",
                        ROOT.resolve("tools/pytorch").toAbsolutePath().toString());
        builder.environment().put("OMP_NUM_THREADS", "1");
        try {
            Process process = builder.start();
            if (!process.waitFor(3, TimeUnit.MINUTES)) {
                process.destroyForcibly();
                throw new IllegalStateException("It did not end: " + script);
            }
            return new Outcome(process.exitValue(), Files.readString(text, StandardCharsets.UTF_8));
        } catch (IOException e) {
            return new Outcome(-1, e.toString());
        }
    }

    private static List<String> matches(Pattern pattern, String text) {
        List<String> found = new ArrayList<>();
        Matcher matcher = pattern.matcher(text);
        while (matcher.find()) {
            found.add(matcher.group(1));
        }
        return found;
    }
}
