// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.mockito.ArgumentMatchers.any;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.when;

import io.backpack4j.cli.timing.Durations;
import io.backpack4j.cli.timing.Stopwatch;
import io.backpack4j.cli.timing.WarmUp;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.NodeDescription;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Results;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BenchTest {

    private static final BenchReport REPORT = new BenchReport(
            "logreg",
            4,
            "cpu",
            "float32",
            2,
            List.of("BatchGrad(as=\"x\\\")", "Variance"),
            5,
            new WarmUp(4.25, true),
            new Durations(1, 0.5, 2),
            new Durations(3, 2, 4),
            List.of("ggn"),
            List.of(new Durations(1.5, 1, 2)),
            Optional.empty(),
            Optional.of(new BenchReport.Training("Adam", new Durations(4, 3, 5), new Durations(0.5, 0.25, 1))),
            100.25,
            Optional.of(new BenchReport.Budget(60.5, 30.25)));

    @Test
    void report_is_one_json_object() {
        assertThat(REPORT.toJson())
                .isEqualTo("{\"problem\": \"logreg\", \"batch\": 4, \"backend\": \"cpu\", \"dtype\": \"float32\","
                        + " \"threads\": 2, \"extensions\": [\"BatchGrad(as=\\\"x\\\\\\\")\", \"Variance\"],"
                        + " \"repetitions\": 5, \"warm_up_s\": 4.25, \"settled\": true, \"gradient_ms\": {\"median\": 1.000, \"min\": 0.500, \"max\": 2.000},"
                        + " \"pass_ms\": {\"median\": 3.000, \"min\": 2.000, \"max\": 4.000}, \"peak_rss_mib\": 100.3, \"idle_rss_mib\": 60.5, \"planned_mib\": 30.3,"
                        + " \"product_ms\": {\"ggn\": {\"median\": 1.500, \"min\": 1.000, \"max\": 2.000}},"
                        + " \"optimizer\": \"Adam\", \"step_ms\": {\"median\": 4.000, \"min\": 3.000, \"max\": 5.000},"
                        + " \"update_ms\": {\"median\": 0.500, \"min\": 0.250, \"max\": 1.000}}");
    }

    @Test
    void report_is_readable() {
        StringWriter text = new StringWriter();
        REPORT.print(new PrintWriter(text));
        assertThat(text.toString().lines())
                .containsExactly(
                        "logreg, batch of 4, float32, backend cpu with 2 threads, 5 repetitions after 4.3 s of warm-up, until times had settled; each takes the memory of the results before",
                        "pass                                    median ms  min ms  max ms",
                        "gradient                                     1.00    0.50    2.00",
                        "gradient, BatchGrad(as=\"x\\\"), Variance       3.00    2.00    4.00",
                        "product with ggn                             1.50    1.00    2.00",
                        "step of training, Adam                       4.00    3.00    5.00",
                        "update alone                                 0.50    0.25    1.00",
                        "peak resident memory 100 MiB, 61 MiB of it before the first plan; planned were 30 MiB");
    }

    /** The numbers of parameters that the networks are known to have. */
    @ParameterizedTest
    @CsvSource({"LOGREG, 7850", "CNN_2C2D, 3274634", "CNN_3C3D, 895210", "ALLCNNC, 1387108"})
    void networks_have_the_known_sizes(BenchProblem problem, long expected) {
        ModelDescription model = problem.model();
        assertThat(model.nodes().stream().mapToLong(BenchTest::parameters).sum())
                .isEqualTo(expected);
        assertThat(model.loss().type()).isEqualTo("CrossEntropyLoss");
    }

    /** The layers in short, as DeepOBS has them; its padding "same" is written out. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "CNN_2C2D | c32k5s1p2 r m2s2 c64k5s1p2 r m2s2 f l1024 r l10",
                "CNN_3C3D | c64k5s1p0 r z m3s2 c96k3s1p0 r z m3s2 c128k3s1p1 r z m3s2 f l512 r l256 r l10",
                "ALLCNNC | c96k3s1p1 r c96k3s1p1 r z c96k3s2p0 r c192k3s1p1 r c192k3s1p1 r z c192k3s2p0 r"
                        + " c192k3s1p0 r c192k1s1p0 r c100k1s1p0 a6 f",
            })
    void networks_have_the_known_layers(BenchProblem problem, String expected) {
        assertThat(problem.model().nodes().stream().map(BenchTest::shortened).collect(Collectors.joining(" ")))
                .isEqualTo(expected);
    }

    private static String shortened(NodeDescription node) {
        return switch (node.type()) {
            case "Conv2d" ->
                "c%dk%ds%dp%d"
                        .formatted(
                                number(node, "out_channels"),
                                number(node, "kernel_size"),
                                number(node, "stride"),
                                number(node, "padding"));
            case "MaxPool2d" -> "m%ds%d".formatted(number(node, "kernel_size"), number(node, "stride"));
            case "AvgPool2d" -> "a" + number(node, "kernel_size");
            case "Linear" -> "l" + number(node, "out_features");
            case "ReLU" -> "r";
            case "Flatten" -> "f";
            case "ZeroPad2d" -> "z" + (node.arguments().get("padding").equals(List.of(0L, 1L, 0L, 1L)) ? "" : "?");
            default -> node.type();
        };
    }

    private static long parameters(NodeDescription node) {
        return switch (node.type()) {
            case "Linear" -> (number(node, "in_features") + 1) * number(node, "out_features");
            case "Conv2d" -> {
                long kernel = number(node, "kernel_size");
                yield (number(node, "in_channels") * kernel * kernel + 1) * number(node, "out_channels");
            }
            default -> 0;
        };
    }

    private static long number(NodeDescription node, String argument) {
        return (Long) node.arguments().get(argument);
    }

    @Test
    void plans_are_warmed_up_and_timed_in_turns() {
        List<String> order = new ArrayList<>();
        List<Durations> durations =
                new Stopwatch(mock(Batch.class)).measure(2, plan("first", order), plan("second", order));
        assertThat(durations).hasSize(2).allMatch(measured -> measured.min() >= 39);
        assertThat(order)
                .startsWith("first", "first", "first")
                .endsWith("second", "second", "first", "second", "first", "second");
    }

    /** Passes of 40 ms each: seven make a window, five windows are the fewest that tell. */
    @Test
    void plans_run_until_they_have_settled() {
        List<String> order = new ArrayList<>();
        Stopwatch stopwatch = Stopwatch.untilSettled(mock(Batch.class));
        stopwatch.measure(1, plan("only", order));
        assertThat(stopwatch.warmUps()).hasSize(1).allMatch(WarmUp::settled);
        assertThat(stopwatch.warmUps().get(0).seconds()).isBetween(1.25, 5.0);
        assertThat(order).hasSizeGreaterThan(5);
    }

    /** A plan whose passes take a while. */
    private static Plan plan(String name, List<String> order) {
        Plan plan = mock(Plan.class);
        when(plan.run(any())).thenAnswer(call -> {
            order.add(name);
            Thread.sleep(40);
            return mock(Results.class);
        });
        return plan;
    }
}
