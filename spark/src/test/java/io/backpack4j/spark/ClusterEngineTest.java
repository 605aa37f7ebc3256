// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spark;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * Executors in processes of their own, one of which dies with what it had made. Where links cannot be made, as on
 * Windows, there is no such cluster.
 */
class ClusterEngineTest {

    /** Prints what a session of the driver's has for the same rows, and how far the cluster's is from it. */
    private static final String PROGRAM = """
            import io.backpack4j.ext.firstorder.BatchL2Grad;
            import io.backpack4j.ext.firstorder.Variance;
            import io.backpack4j.ext.secondorder.DiagGGNMC;
            import io.backpack4j.ext.secondorder.KFAC;
            import io.backpack4j.kernel.*;
            import io.backpack4j.modules.linear.Linear;
            import io.backpack4j.modules.linear.Tanh;
            import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
            import io.backpack4j.spark.*;
            import io.backpack4j.spi.tensor.DType;
            import io.backpack4j.spi.tensor.Shape;
            import java.util.List;
            import java.util.concurrent.atomic.AtomicInteger;
            import java.util.stream.LongStream;
            import org.apache.spark.api.java.JavaRDD;
            import org.apache.spark.api.java.JavaSparkContext;
            import org.apache.spark.scheduler.*;
            import org.apache.spark.sql.Dataset;
            import org.apache.spark.sql.Row;
            import org.apache.spark.sql.SparkSession;

            public class KilledExecutor {

                private static final int SAMPLES = 400;

                private static double feature(long id, int which) {
                    return Math.sin(id * (which + 1) + which);
                }

                private static double[] features(long id) {
                    return new double[] {feature(id, 0), feature(id, 1), feature(id, 2)};
                }

                /** Whoever makes the file dies: once. */
                private static Sample sample(long id, String marker) throws Exception {
                    // Its executor has the state of an earlier partition by then, which dies with it.
                    if (id == SAMPLES - 1 && new java.io.File(marker).createNewFile()) {
                        new ProcessBuilder("kill", "-9", String.valueOf(ProcessHandle.current().pid())).start().waitFor();
                        Thread.sleep(60_000);
                    }
                    return Sample.of(id).input(features(id)).target(id % 3);
                }

                private static final class Deaths extends SparkListener {

                    final AtomicInteger executors = new AtomicInteger();
                    final AtomicInteger again = new AtomicInteger();

                    @Override
                    public void onExecutorRemoved(SparkListenerExecutorRemoved removed) {
                        executors.incrementAndGet();
                    }

                    @Override
                    public void onTaskEnd(SparkListenerTaskEnd end) {
                        if (end.taskInfo().successful() && end.taskInfo().attemptNumber() > 0) {
                            again.incrementAndGet();
                        }
                    }
                }

                public static void main(String[] arguments) {
                    String marker = arguments[0];
                    SparkSession spark = SparkSession.builder().getOrCreate();
                    JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
                    Deaths deaths = new Deaths();
                    spark.sparkContext().addSparkListener(deaths);
                    List<Request<?>> merged =
                            List.of(Request.of(new Variance()), Request.of(new DiagGGNMC(1)), Request.of(new KFAC(1)));
                    try (BackPack backpack = BackPack.create();
                            Model model = backpack.model(
                                    Graph.sequential(new Linear(3, 5), new Tanh(), new Linear(5, 3)),
                                    new CrossEntropyLoss(),
                                    DType.FLOAT64,
                                    Shape.of(3))) {
                        model.parameters().initialize(1);
                        JavaRDD<Sample> samples = context
                                .parallelize(LongStream.range(0, SAMPLES).boxed().toList(), 4)
                                .map(id -> sample(id, marker));
                        List<Request<?>> all = new java.util.ArrayList<>(merged);
                        all.add(Request.of(new BatchL2Grad()));
                        try (SparkResults evaluated = BackPackSpark.evaluate(
                                spark, samples, SparkModel.of(model), all, SparkOptions.DEFAULT.batch(16).partitions(4))) {
                            compare(backpack, model, merged, evaluated);
                            Dataset<Row> rows = evaluated.perSample();
                            Row counted = rows.selectExpr("count(*)", "count(distinct id)", "sum(loss_batch)").first();
                            System.out.printf("RESULT rows=%d ids=%d loss=%.17g%n",
                                    counted.getLong(0), counted.getLong(1), counted.getDouble(2) / SAMPLES);
                        }
                    }
                    // Events come late; stopping waits for them.
                    spark.stop();
                    System.out.printf("RESULT dead=%d again=%d%n", deaths.executors.get(), deaths.again.get());
                }

                private static void compare(
                        BackPack backpack, Model model, List<Request<?>> requests, SparkResults evaluated) {
                    long[] ids = LongStream.range(0, SAMPLES).toArray();
                    double[] inputs = LongStream.of(ids).boxed()
                            .flatMapToDouble(id -> java.util.Arrays.stream(features(id))).toArray();
                    long[] targets = LongStream.of(ids).map(id -> id % 3).toArray();
                    SessionOptions options = new SessionOptions(
                            PassOptions.DEFAULT, 0, false, SampleIds.NONE, PerSample.DROP);
                    try (Session session = backpack.session(model, requests, options);
                            Batch batch = backpack.batch(DType.FLOAT64)
                                    .input(Graph.INPUT, Shape.of(SAMPLES, 3), inputs)
                                    .targets(Shape.of(SAMPLES), targets)
                                    .sampleIds(ids)
                                    .build()) {
                        session.add(batch);
                        try (Results expected = session.results();
                                Results found = evaluated.results()) {
                            double worst = 0;
                            for (var tensor : expected.tensors().entrySet()) {
                                double[] one = tensor.getValue().toDoubleArray();
                                double[] other = found.tensors().get(tensor.getKey()).toDoubleArray();
                                for (int i = 0; i < one.length; i++) {
                                    worst = Math.max(worst, Math.abs(one[i] - other[i]));
                                }
                            }
                            System.out.printf("RESULT samples=%d tensors=%d worst=%.3e local=%.17g%n",
                                    evaluated.samples(), expected.tensors().size(), worst, expected.loss());
                        }
                    }
                }
            }
            """;

    /** The partition during which it happens, and one that had been done there before. */
    private static final int LEAST_AGAIN = 2;

    private static final double TOLERANCE = 1e-11;

    @TempDir
    private Path folder;

    @Test
    @EnabledOnOs({OS.LINUX, OS.MAC})
    void an_executor_that_is_killed_takes_nothing_with_it_that_counts_and_nothing_counts_twice() throws Exception {
        Path jar = EnginePrograms.jar(folder, Map.of("KilledExecutor", PROGRAM), Map.of());
        String printed = EnginePrograms.submittedToCluster(
                folder,
                "local-cluster[2,1,1024]",
                "KilledExecutor",
                jar,
                List.of(
                        "--conf",
                        // Both are there before tasks start, so that the last one starts where another has ended.
                        "spark.scheduler.minRegisteredResourcesRatio=1.0",
                        "--conf",
                        "spark.scheduler.maxRegisteredResourcesWaitingTime=120s",
                        "--conf",
                        "spark.executor.extraJavaOptions=-Dorg.bytedeco.javacpp.maxbytes=0"
                                + " -Dorg.bytedeco.javacpp.maxphysicalbytes=0 -Dguice_custom_class_loading=CHILD"),
                folder.resolve("killed").toString());
        assertThat(number(printed, "samples")).isEqualTo(400);
        assertThat(number(printed, "tensors")).isGreaterThan(12);
        assertThat(number(printed, "worst")).isLessThan(TOLERANCE);
        assertThat(number(printed, "rows")).isEqualTo(400);
        assertThat(number(printed, "ids")).isEqualTo(400);
        assertThat(Math.abs(number(printed, " loss") - number(printed, "local")))
                .isLessThan(TOLERANCE);
        assertThat(number(printed, "dead")).as(printed).isEqualTo(1);
        assertThat(number(printed, "again"))
                .as("what had been made was made again")
                .isGreaterThanOrEqualTo(LEAST_AGAIN);
    }

    private static double number(String printed, String name) {
        Matcher matcher =
                Pattern.compile("RESULT .*" + Pattern.quote(name) + "=(\\S+)").matcher(printed);
        assertThat(matcher.find()).as(name + " in " + printed).isTrue();
        return Double.parseDouble(matcher.group(1));
    }
}
