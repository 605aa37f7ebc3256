// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.commandline;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Path;
import java.util.List;
import java.util.Properties;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The commands that need no files. */
class CommandsTest {

    private static final List<String> FIRST_ORDER = List.of("grad_batch", "batch_l2", "sum_grad_squared", "variance");

    @TempDir
    private Path directory;

    @ParameterizedTest
    @ValueSource(strings = {"float32", "float64"})
    void demo_shows_every_quantity(String dtype) {
        Run run = demo("--batch", "32", "--dtype", dtype);
        assertSucceeded(run);
        for (String parameter : List.of("1.weight", "1.bias")) {
            assertThat(run.out()).containsPattern(parameter + " +grad ");
            FIRST_ORDER.forEach(quantity -> assertThat(run.out()).containsPattern(parameter + " +" + quantity + " "));
        }
        assertThat(run.out()).contains(dtype, "loss ").doesNotContain("NaN", "left out");
    }

    @ParameterizedTest
    @ValueSource(strings = {"float32", "float64"})
    void demo_has_a_convolutional_network(String dtype) {
        Run run = demo("--model", "lenet", "--batch", "8", "--dtype", dtype);
        assertSucceeded(run);
        for (String node : List.of("0", "3", "7", "9")) {
            FIRST_ORDER.forEach(quantity -> assertThat(run.out())
                    .containsPattern(node + "\\.weight +" + quantity + " +\\[.*\\] +[^ ]+ +[^ ]+ "));
        }
        assertThat(run.out())
                .contains("Conv2d(1, 6, 5, 2), ReLU, MaxPool2d(2)", "[6, 1, 5, 5]", "[8, 16, 6, 5, 5]", "loss ")
                .containsOnlyOnce("left out")
                .contains("left out: KFRA takes ")
                .doesNotContain("NaN");
    }

    @Test
    void demo_says_the_same_twice() {
        String table = "(?s).*?(loss .*?\\n\\n.*?)\\n\\n.*";
        String first = demo("--batch", "16").out();
        String second = demo("--batch", "16").out();
        assertThat(first).matches(table);
        assertThat(second.replaceAll(table, "$1")).isEqualTo(first.replaceAll(table, "$1"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"gradient", "BatchGrad,Variance(parameters=[*.bias])"})
    void bench_prints_one_json_object(String extensions) throws JsonProcessingException {
        Run run = Run.of(
                "bench",
                "--problem=logreg",
                "--batch=16",
                "--extensions=" + extensions,
                "--repetitions=2",
                "--threads=1",
                "--json");
        assertSucceeded(run);
        assertThat(run.out().lines()).hasSize(1);
        JsonNode json = new ObjectMapper().readTree(run.out());
        assertThat(json.fieldNames())
                .toIterable()
                .containsExactlyInAnyOrder(
                        "problem",
                        "batch",
                        "backend",
                        "dtype",
                        "threads",
                        "extensions",
                        "repetitions",
                        "warm_up_s",
                        "settled",
                        "gradient_ms",
                        "pass_ms",
                        "peak_rss_mib");
        assertThat(json.get("problem").asText()).isEqualTo("logreg");
        assertThat(json.get("batch").asInt()).isEqualTo(16);
        assertThat(json.get("threads").asInt()).isEqualTo(1);
        assertThat(json.get("repetitions").asInt()).isEqualTo(2);
        // two kinds of passes, each of which is looked at for a second at least
        assertThat(json.get("warm_up_s").asDouble()).isBetween(2.0, 40.0);
        assertThat(json.get("settled").isBoolean()).isTrue();
        assertThat(json.get("extensions").size()).isEqualTo(extensions.equals("gradient") ? 0 : 2);
        assertThat(json.get("peak_rss_mib").asDouble()).isPositive();
        for (String times : List.of("gradient_ms", "pass_ms")) {
            assertThat(json.get(times).fieldNames()).toIterable().containsExactlyInAnyOrder("median", "min", "max");
            double median = json.get(times).get("median").asDouble();
            assertThat(median)
                    .isBetween(
                            json.get(times).get("min").asDouble(),
                            json.get(times).get("max").asDouble());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"2c2d", "3c3d", "allcnnc", "mlp"})
    void bench_runs_convolutional_networks(String problem) throws JsonProcessingException {
        Run run = Run.of(
                "bench",
                "--problem=" + problem,
                "--batch=2",
                "--extensions=BatchL2Grad,Variance",
                "--warm-up=1",
                "--repetitions=1",
                "--json");
        assertSucceeded(run);
        JsonNode json = new ObjectMapper().readTree(run.out());
        assertThat(json.get("problem").asText()).isEqualTo(problem);
        assertThat(json.get("pass_ms").get("median").asDouble()).isPositive();
    }

    /** The batch is that of the file. */
    @Test
    void bench_times_a_model_and_data_in_files() throws JsonProcessingException {
        Path start = Path.of("../cli/src/main/start");
        String model = start.resolve("model.json").toString();
        String data = start.resolve("data.safetensors").toString();
        Run run = Run.of(
                "bench", "--model", model, "--data", data, "--extensions", "Variance", "--warm-up", "1", "--json");
        assertSucceeded(run);
        JsonNode json = new ObjectMapper().readTree(run.out());
        assertThat(json.get("problem").asText()).isEqualTo("model");
        assertThat(json.get("batch").asInt()).isPositive();
        assertThat(json.get("pass_ms").get("median").asDouble()).isPositive();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "bench",
                "bench --problem logreg",
                "bench --model m.json",
                "bench --batch 3 --model m.json --data d.safetensors"
            })
    void bench_takes_one_network(String line) {
        Run run = Run.of(line.split(" "));
        assertThat(run.code()).isNotZero();
        assertThat(run.err())
                .contains("[InvalidOption]", "either --problem NAME --batch N, or --model FILE --data FILE")
                .doesNotContain("Exception");
    }

    @Test
    void bench_prints_a_table_for_people() {
        Run run = Run.of("bench", "--problem=logreg", "--batch=4", "--extensions=Variance", "--warm-up=1");
        assertSucceeded(run);
        assertThat(run.out()).contains("median ms", "gradient, Variance", "peak resident memory");
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "-1", "0.5", "Infinity", "soon"})
    void bench_warms_up_for_whole_seconds(String seconds) {
        Run run = Run.of("bench", "--problem=logreg", "--batch=4", "--extensions=gradient", "--warm-up=" + seconds);
        assertThat(run.code()).isEqualTo(2);
        assertThat(run.out()).isEmpty();
        assertThat(run.err()).contains("'--warm-up': '" + seconds + "' is not a positive whole number");
    }

    @Test
    void plugins_are_listed_with_what_they_provide() {
        Run run = Run.of("plugins");
        assertSucceeded(run);
        assertThat(run.out()).contains("Linear", "CrossEntropyLoss", "BatchGrad", "backends: cpu");
    }

    @Test
    void backends_are_listed_with_their_state() {
        Run run = Run.of("backends");
        assertSucceeded(run);
        assertThat(run.out()).containsPattern("cpu \\(priority \\d+\\): available");
    }

    @Test
    void support_is_complete_for_linear_modules() {
        Run run = Run.of("support");
        assertSucceeded(run);
        // A wide table comes in parts.
        List<String> headers =
                run.out().lines().filter(line -> line.startsWith("module ")).toList();
        assertThat(String.join(" ", headers)).contains("BatchGrad", "DiagHessian", "Variance");
        assertThat(run.out().lines().filter(line -> line.startsWith("Linear ")))
                .hasSameSizeAs(headers)
                .allMatch(line -> line.matches("Linear +((\u2713|yes) *)+"));
    }

    @Test
    void help_names_every_command() {
        Run run = Run.of("--help");
        assertSucceeded(run);
        assertThat(run.out())
                .contains(
                        "demo",
                        "evaluate",
                        "predict",
                        "audit",
                        "bench",
                        "plugins",
                        "backends",
                        "support",
                        "doctor",
                        "generate-completion",
                        "help")
                .contains("Exit codes:", "Examples:");
    }

    @Test
    void completion_knows_commands_and_options() {
        Run run = Run.of("generate-completion");
        assertSucceeded(run);
        assertThat(run.out()).startsWith("#!").contains("evaluate", "doctor", "--extensions", "complete -F", "lenet");
    }

    @Test
    void doctor_finds_nothing_broken_here() {
        Run run = Run.of("doctor");
        assertSucceeded(run);
        Properties system = System.getProperties();
        assertThat(run.out())
                .contains(system.getProperty("java.version"), system.getProperty("os.name"))
                .contains("cpu is available", "processors", "heap", "plugins")
                .contains("org.bytedeco.javacpp.maxbytes");
    }

    @Test
    void doctor_fails_where_the_backend_is_not_there() {
        Run run = Run.of("doctor", "--backend", "cpuu");
        assertThat(run.code()).isEqualTo(1);
        assertThat(run.out()).contains("[UnknownBackend]", "Did you mean 'cpu'?");
        assertThat(run.err()).startsWith("backpack: [Broken] ").doesNotContain("\tat ");
    }

    private Run demo(String... options) {
        String page = directory.resolve("demo.html").toString();
        return Run.of(Stream.concat(Stream.of("demo", "--out", page), Stream.of(options))
                .toArray(String[]::new));
    }

    private static void assertSucceeded(Run run) {
        assertThat(run.err()).isEmpty();
        assertThat(run.code()).isZero();
    }
}
