// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.bench;

import io.backpack4j.cli.console.Table;
import io.backpack4j.cli.console.Text;
import io.backpack4j.cli.timing.Durations;
import io.backpack4j.cli.timing.WarmUp;
import java.io.PrintWriter;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * What was measured.
 *
 * @param problem the network
 * @param batch samples per batch
 * @param backend the backend's id
 * @param dtype the element type
 * @param threads the backend's threads
 * @param extensions what was computed beside the gradient
 * @param repetitions how many passes were timed
 * @param warmUp what ran before anything was timed
 * @param gradient times of the gradient alone
 * @param pass times with the extensions
 * @param products the matrices that a vector was multiplied with
 * @param productTimes times of a product with each
 * @param tracking times of steps with a cockpit, if they were measured
 * @param training times of steps of training, if they were measured
 * @param peakMebibytes the most memory that the process had, in MiB
 * @param budget if memory was looked at closer
 */
record BenchReport(
        String problem,
        int batch,
        String backend,
        String dtype,
        int threads,
        List<String> extensions,
        int repetitions,
        WarmUp warmUp,
        Durations gradient,
        Durations pass,
        List<String> products,
        List<Durations> productTimes,
        Optional<Tracking> tracking,
        Optional<Training> training,
        double peakMebibytes,
        Optional<Budget> budget) {

    /**
     * Memory of the process, in MiB.
     *
     * @param idle what it had with model and batch in place, before the first plan
     * @param planned the peak that the plan of the timed pass states
     */
    record Budget(double idle, double planned) {

        String toJson() {
            return Text.format(", \"idle_rss_mib\": %.1f, \"planned_mib\": %.1f", idle, planned);
        }
    }

    /**
     * Steps of gradient descent.
     *
     * @param cockpit which quantities were tracked
     * @param plain times of steps without
     * @param step times of steps with them
     */
    record Tracking(String cockpit, Durations plain, Durations step) {

        String toJson() {
            return ", \"cockpit\": %s, \"plain_ms\": %s, \"step_ms\": %s"
                    .formatted(quoted(cockpit), plain.toJson(), step.toJson());
        }
    }

    /**
     * Steps of training.
     *
     * @param optimizer what made the updates
     * @param step times of whole steps
     * @param update times of updates alone
     */
    record Training(String optimizer, Durations step, Durations update) {

        String toJson() {
            return ", \"optimizer\": %s, \"step_ms\": %s, \"update_ms\": %s"
                    .formatted(quoted(optimizer), step.toJson(), update.toJson());
        }
    }

    BenchReport {
        extensions = List.copyOf(extensions);
        products = List.copyOf(products);
        productTimes = List.copyOf(productTimes);
    }

    /** One object on one line. */
    String toJson() {
        return ("{\"problem\": %s, \"batch\": %d, \"backend\": %s, \"dtype\": %s, \"threads\": %d, \"extensions\": [%s],"
                        + " \"repetitions\": %d, \"warm_up_s\": %s, \"settled\": %b, \"gradient_ms\": %s, \"pass_ms\": %s,"
                        + " \"peak_rss_mib\": %s%s%s%s%s}")
                .formatted(
                        quoted(problem),
                        batch,
                        quoted(backend),
                        quoted(dtype),
                        threads,
                        extensions.stream().map(BenchReport::quoted).collect(Collectors.joining(", ")),
                        repetitions,
                        Text.format("%.2f", warmUp.seconds()),
                        warmUp.settled(),
                        gradient.toJson(),
                        pass.toJson(),
                        Text.format("%.1f", peakMebibytes),
                        budget.map(Budget::toJson).orElse(""),
                        productsJson(),
                        tracking.map(Tracking::toJson).orElse(""),
                        training.map(Training::toJson).orElse(""));
    }

    private String productsJson() {
        return products.isEmpty()
                ? ""
                : IntStream.range(0, products.size())
                        .mapToObj(i -> quoted(products.get(i)) + ": "
                                + productTimes.get(i).toJson())
                        .collect(Collectors.joining(", ", ", \"product_ms\": {", "}"));
    }

    /** For people. */
    void print(PrintWriter out) {
        out.println(
                "%s, batch of %d, %s, backend %s with %d %s, %d repetitions after %s s of warm-up%s; each takes the memory of the results before"
                        .formatted(
                                problem,
                                batch,
                                dtype,
                                backend,
                                threads,
                                threads == 1 ? "thread" : "threads",
                                repetitions,
                                Text.format("%.1f", warmUp.seconds()),
                                warmUp.settled() ? ", until times had settled" : ", after which times still fell"));
        Table table = new Table("pass", ">median ms", ">min ms", ">max ms");
        row(table, "gradient", gradient);
        if (!extensions.isEmpty()) {
            row(table, "gradient, " + String.join(", ", extensions), pass);
        }
        for (int i = 0; i < products.size(); i++) {
            row(table, "product with " + products.get(i), productTimes.get(i));
        }
        tracking.ifPresent(times -> {
            row(table, "step of gradient descent", times.plain());
            row(table, "the same with the cockpit's " + times.cockpit(), times.step());
        });
        training.ifPresent(times -> {
            row(table, "step of training, " + times.optimizer(), times.step());
            row(table, "update alone", times.update());
        });
        table.print(out);
        out.println(Text.format("peak resident memory %.0f MiB", peakMebibytes)
                + budget.map(memory -> Text.format(
                                ", %.0f MiB of it before the first plan; planned were %.0f MiB",
                                memory.idle(), memory.planned()))
                        .orElse(""));
    }

    private static void row(Table table, String name, Durations times) {
        table.row(
                name,
                Text.format("%.2f", times.median()),
                Text.format("%.2f", times.min()),
                Text.format("%.2f", times.max()));
    }

    private static String quoted(String text) {
        return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }
}
