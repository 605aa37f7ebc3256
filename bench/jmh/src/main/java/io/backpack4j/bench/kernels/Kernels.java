// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.bench.kernels;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * Measures kernels and floors in turns, each in processes of its own, and prints a table. Times are those of the
 * fastest round: other work only slows.
 */
public final class Kernels {

    /** What is measured together. */
    private enum Family {
        FORWARD("convolution") {
            @Override
            List<Row> measure() throws RunnerException {
                return convolutions("convolution", Forward.class, Layer.values());
            }
        },
        DATA("convolution, cotangents of inputs") {
            @Override
            List<Row> measure() throws RunnerException {
                Layer[] layers = Arrays.stream(Layer.values())
                        .filter(layer -> !layer.isFirst())
                        .toArray(Layer[]::new);
                return convolutions("cotangents of inputs", BackwardData.class, layers);
            }
        },
        WEIGHTS("convolution, gradient of weights") {
            @Override
            List<Row> measure() throws RunnerException {
                return convolutions("gradient of weights", BackwardWeights.class, Layer.values());
            }
        },
        SQUARES("squares") {
            @Override
            List<Row> measure() throws RunnerException {
                double size = Squares.SIZE;
                double ceiling = 2 * size * size * size / fastest(run(Squares.class, "floor")) * 1e-9;
                List<Row> rows = new ArrayList<>();
                for (RunResult result : run(Squares.class, "ours", names(Layer.values()))) {
                    Layer layer = Layer.valueOf(result.getParams().getParam("layer"));
                    double speed = layer.operations() / fastest(result) * 1e-9;
                    rows.add(new Row("sum of squares", layer.text, "GFLOP/s", ceiling, speed, speed / ceiling, 0.6));
                }
                return rows;
            }
        },
        SMALL("products of small networks") {
            @Override
            List<Row> measure() throws RunnerException {
                List<Row> rows = new ArrayList<>();
                for (SmallPass pass : SmallPass.values()) {
                    double ours = fastest(runPass("ours", pass)) * 1e6;
                    double floor = fastest(runPass("floor", pass)) * 1e6;
                    rows.add(new Row("matrix products", pass.text, "µs", floor, ours, floor / ours, 0.8));
                }
                return rows;
            }
        },
        STREAMING("streaming") {
            @Override
            List<Row> measure() throws RunnerException {
                double ceiling = MemorySpeed.bytes() / fastest(run(MemorySpeed.class, "floor")) * 1e-9;
                List<Row> rows = new ArrayList<>();
                for (RunResult result : run(Streaming.class, "ours")) {
                    Streaming.Operation operation =
                            Streaming.Operation.valueOf(result.getParams().getParam("operation"));
                    double speed = operation.bytes() / fastest(result) * 1e-9;
                    rows.add(new Row(
                            operation.text, Streaming.SHAPE.toString(), "GB/s", ceiling, speed, speed / ceiling, 0.6));
                }
                return rows;
            }
        };

        final String text;

        Family(String text) {
            this.text = text;
        }

        abstract List<Row> measure() throws RunnerException;
    }

    /** A line of the table. */
    private record Row(
            String kernel, String shape, String unit, double floor, double ours, double ratio, double target) {

        String markdown() {
            return String.format(
                    Locale.ROOT,
                    "| %s | %s | %s %s | %s | %.2f | %s%.2f |",
                    kernel,
                    shape,
                    number(floor),
                    unit,
                    number(ours),
                    ratio,
                    ratio < target ? "**missed** " : "",
                    target);
        }

        private static String number(double value) {
            return String.format(Locale.ROOT, value < 10 ? "%.2f" : "%.0f", value);
        }
    }

    private static final int ROUNDS = 6;
    private static final TimeValue WARM_UP = TimeValue.milliseconds(500);
    private static final TimeValue ROUND = TimeValue.milliseconds(250);

    private Kernels() {}

    /** Measures the named families, or all. */
    public static void main(String... arguments) throws RunnerException {
        List<Family> families = arguments.length == 0
                ? List.of(Family.values())
                : Arrays.stream(arguments)
                        .map(name -> Family.valueOf(name.toUpperCase(Locale.ROOT)))
                        .toList();
        System.out.println("| kernel | shape | floor | ours | reached | wanted |\n|---|---|---|---|---|---|");
        for (Family family : families) {
            System.err.println("kernels: " + family.text + " ...");
            family.measure().forEach(row -> System.out.println(row.markdown()));
        }
    }

    private static List<Row> convolutions(String kernel, Class<?> benchmark, Layer[] layers) throws RunnerException {
        List<Row> rows = new ArrayList<>();
        for (Layer layer : layers) {
            double ours = fastest(run(benchmark, "ours", layer.name())) * 1e3;
            double floor = fastest(run(benchmark, "floor", layer.name())) * 1e3;
            rows.add(new Row(kernel, layer.text, "ms", floor, ours, floor / ours, 0.8));
        }
        return rows;
    }

    private static String[] names(Layer[] layers) {
        return Arrays.stream(layers).map(Layer::name).toArray(String[]::new);
    }

    private static Collection<RunResult> run(Class<?> benchmark, String method, String... layers)
            throws RunnerException {
        return of(benchmark, method, "layer", layers);
    }

    private static Collection<RunResult> runPass(String method, SmallPass pass) throws RunnerException {
        return of(SmallProducts.class, method, "pass", pass.name());
    }

    private static Collection<RunResult> of(Class<?> benchmark, String method, String parameter, String... values)
            throws RunnerException {
        ChainedOptionsBuilder options = new OptionsBuilder()
                .include(benchmark.getName().replace(".", "\\.") + "\\." + method + "$")
                .mode(Mode.AverageTime)
                .timeUnit(TimeUnit.SECONDS)
                .forks(1)
                .warmupIterations(1)
                .warmupTime(WARM_UP)
                .measurementIterations(ROUNDS)
                .measurementTime(ROUND)
                .shouldFailOnError(true)
                .verbosity(VerboseMode.SILENT);
        if (values.length > 0) {
            options.param(parameter, values);
        }
        return new Runner(options.build()).run();
    }

    private static double fastest(Collection<RunResult> results) {
        return fastest(results.iterator().next());
    }

    /** Seconds of the fastest round. */
    private static double fastest(RunResult result) {
        return result.getAggregatedResult().getIterationResults().stream()
                .mapToDouble(round -> round.getPrimaryResult().getScore())
                .min()
                .orElseThrow();
    }
}
