// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.ext.firstorder.Variance;
import io.backpack4j.ext.secondorder.DiagGGNMC;
import io.backpack4j.ext.secondorder.KFAC;
import io.backpack4j.formats.SessionFile;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.PerSample;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.SampleIds;
import io.backpack4j.kernel.Session;
import io.backpack4j.kernel.SessionOptions;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.LongStream;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.ml.linalg.Vectors;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What goes wrong, and what is shared, in {@code local[2,4]}: tasks that fail are run up to four times. */
class FaultsEngineTest {

    private static final int SAMPLES = 120;
    private static final double TOLERANCE = 1e-11;
    private static final SparkOptions OPTIONS = SparkOptions.DEFAULT.batch(16);
    private static final List<Request<?>> REQUESTS =
            List.of(Request.of(new Variance()), Request.of(new DiagGGNMC(1)), Request.of(new KFAC(1)));

    /** Static, for tasks are copies. */
    private static final AtomicInteger FAILURES = new AtomicInteger();

    private static final CyclicBarrier BOTH = new CyclicBarrier(2);

    private static SparkSession spark;
    private static JavaSparkContext context;
    private static BackPack backpack;
    private static Model model;
    private static SparkModel sent;

    @BeforeAll
    static void start() {
        spark = SparkSessions.open("local[2,4]");
        context = JavaSparkContext.fromSparkContext(spark.sparkContext());
        backpack = BackPack.create();
        model = Networks.mlp(backpack, DType.FLOAT64);
        sent = SparkModel.of(model);
    }

    @AfterAll
    static void stop() {
        model.close();
        backpack.close();
        spark.stop();
    }

    private static JavaRDD<Sample> samples(long from, long to, int partitions) {
        return context.parallelize(LongStream.range(from, to).boxed().toList(), partitions)
                .map(id -> Sample.of(id).input(Networks.features(id)).target(Networks.label(id)));
    }

    private static SparkResults evaluate(JavaRDD<Sample> samples) {
        return BackPackSpark.evaluate(spark, samples, sent, REQUESTS, OPTIONS);
    }

    private static Map<String, double[]> numbers(Results results) {
        Map<String, double[]> numbers = new TreeMap<>();
        results.tensors().forEach((name, tensor) -> numbers.put(name, tensor.toDoubleArray()));
        return numbers;
    }

    private static void assertSame(Map<String, double[]> numbers, Map<String, double[]> expected, double tolerance) {
        assertThat(numbers).hasSizeGreaterThan(12).hasSameSizeAs(expected);
        numbers.forEach(
                (name, values) -> assertThat(values).as(name).containsExactly(expected.get(name), within(tolerance)));
    }

    /** What a session of this machine comes to. */
    private static Map<String, double[]> local(long from, long to) {
        SessionOptions options = new SessionOptions(PassOptions.DEFAULT, 0, false, SampleIds.NONE, PerSample.DROP);
        try (Session session = backpack.session(model, REQUESTS, options);
                Batch batch = Networks.batch(
                        backpack, DType.FLOAT64, LongStream.range(from, to).toArray())) {
            session.add(batch);
            try (Results results = session.results()) {
                return numbers(results);
            }
        }
    }

    @Test
    void a_partition_that_fails_once_is_counted_once() {
        FAILURES.set(0);
        JavaRDD<Sample> failing = samples(0, SAMPLES, 3).map(sample -> {
            if (sample.id() == 77 && TaskContext.get().attemptNumber() == 0) {
                FAILURES.incrementAndGet();
                throw new IllegalStateException("lost");
            }
            return sample;
        });
        try (SparkResults evaluated = evaluate(failing);
                Results results = evaluated.results()) {
            assertThat(FAILURES.get()).isEqualTo(1);
            assertThat(evaluated.samples()).isEqualTo(SAMPLES);
            assertSame(numbers(results), local(0, SAMPLES), TOLERANCE);
        }
    }

    @Test
    void results_are_equal_bit_by_bit_when_tasks_end_in_another_order() {
        JavaRDD<Sample> slow = samples(0, SAMPLES, 4).map(sample -> {
            if (sample.id() == 0) {
                Thread.sleep(500);
            }
            return sample;
        });
        try (SparkResults first = evaluate(samples(0, SAMPLES, 4));
                SparkResults second = evaluate(slow);
                Results one = first.results();
                Results other = second.results()) {
            assertSame(numbers(one), numbers(other), 0);
        }
    }

    @Test
    void tasks_at_the_same_time_share_library_and_numbers_and_have_a_thread_each() {
        Broadcast<SparkModel> broadcast = context.broadcast(sent);
        List<List<Object>> seen = context.parallelize(List.of(0, 1), 2)
                .map(part -> {
                    try (ExecutorLibrary.Lease lease = ExecutorLibrary.lease(broadcast.value(), 1)) {
                        BOTH.await(1, TimeUnit.MINUTES);
                        Object thread =
                                lease.thread().call(() -> Thread.currentThread().getName());
                        List<Object> shared = List.of(
                                System.identityHashCode(lease.backpack()),
                                System.identityHashCode(lease.model()),
                                thread);
                        BOTH.await(1, TimeUnit.MINUTES);
                        return shared;
                    }
                })
                .collect();
        assertThat(seen.get(0).get(0)).isEqualTo(seen.get(1).get(0));
        assertThat(seen.get(0).get(1)).isEqualTo(seen.get(1).get(1));
        assertThat(seen.get(0).get(2)).isNotEqualTo(seen.get(1).get(2));
        Set<Object> threads =
                new HashSet<>(List.of(seen.get(0).get(2), seen.get(1).get(2)));
        try (ExecutorLibrary.Lease again = ExecutorLibrary.lease(sent, 1)) {
            assertThat(threads).as("threads live on").contains((Object)
                    again.thread().call(() -> Thread.currentThread().getName()));
        }
        broadcast.destroy();
    }

    @Test
    void a_poisoned_row_fails_with_its_id_and_leaves_the_library_usable() {
        JavaRDD<Sample> poisoned = samples(0, SAMPLES, 3)
                .map(sample -> sample.id() == 77
                        ? Sample.of(77).input(Networks.features(77)).target(Networks.CLASSES)
                        : sample);
        assertThatThrownBy(() -> evaluate(poisoned))
                .isInstanceOf(BackpackException.class)
                .hasMessageContaining("Sample (id 77)");
        try (SparkResults evaluated = evaluate(samples(0, SAMPLES, 3))) {
            assertThat(evaluated.samples()).isEqualTo(SAMPLES);
        }
    }

    @Test
    void days_and_sites_merge_by_files(@TempDir Path folder) {
        Path yesterday = folder.resolve("yesterday.safetensors");
        try (SparkResults evaluated = evaluate(samples(0, 50, 2))) {
            SessionFile.save(evaluated.session(), yesterday);
        }
        try (SparkResults evaluated = evaluate(samples(50, SAMPLES, 2))) {
            SessionFile.load(evaluated.session(), yesterday);
            try (Results results = evaluated.results()) {
                assertThat(evaluated.samples()).isEqualTo(SAMPLES);
                assertSame(numbers(results), local(0, SAMPLES), TOLERANCE);
            }
        }
    }

    @Test
    void ids_that_come_twice_are_refused_where_states_know_them() {
        JavaRDD<Sample> twice = samples(0, 20, 2).union(samples(10, 30, 2));
        assertThatThrownBy(() -> BackPackSpark.evaluate(spark, twice, sent, REQUESTS, OPTIONS.ids(SampleIds.RANGES)))
                .isInstanceOf(BackpackException.class)
                .hasMessageContaining("[DuplicateSample]");
    }

    @Test
    void no_samples_and_states_that_are_too_large_are_said_before_a_job() {
        assertThatThrownBy(() -> evaluate(samples(0, 20, 2).filter(sample -> false)))
                .isInstanceOf(BackpackException.class)
                .hasMessageStartingWith("[NoSamples]");
        spark.sparkContext().conf().set("spark.driver.maxResultSize", "1m");
        try {
            assertThatThrownBy(() -> evaluate(samples(0, 20, 2)))
                    .isInstanceOf(BackpackException.class)
                    .hasMessageStartingWith("[StateTooLarge] The state of this evaluation takes 1.0")
                    .hasMessageContaining("spark.driver.maxResultSize is 1.0 MiB")
                    .hasMessageContaining("--conf spark.driver.maxResultSize=2m");
        } finally {
            spark.sparkContext().conf().set("spark.driver.maxResultSize", "1g");
        }
    }

    @Test
    void vectors_are_features() {
        List<Row> rows = LongStream.range(0, SAMPLES)
                .mapToObj(id -> {
                    var dense = Vectors.dense(Networks.features(id));
                    return RowFactory.create(id, id % 2 == 0 ? dense : dense.toSparse(), (double) Networks.label(id));
                })
                .toList();
        StructType schema = new StructType()
                .add("id", DataTypes.LongType)
                .add("features", new org.apache.spark.ml.linalg.VectorUDT())
                .add("label", DataTypes.DoubleType);
        Dataset<Row> data = spark.createDataFrame(rows, schema);
        SampleColumns columns = SampleColumns.of("features").target("label").id("id");
        try (SparkResults evaluated = BackPackSpark.evaluate(data, columns, sent, REQUESTS, OPTIONS);
                Results results = evaluated.results()) {
            assertSame(numbers(results), local(0, SAMPLES), TOLERANCE);
        }
    }

    @Test
    void the_drivers_state_does_not_grow_with_rows() {
        try (Model tiny = backpack.model(
                Graph.sequential(new Linear(2, 2)), new CrossEntropyLoss(), DType.FLOAT32, Shape.of(2))) {
            SparkModel small = SparkModel.of(tiny);
            assertThat(stateBytes(small, 10_000_000)).isEqualTo(stateBytes(small, 100_000));
        }
    }

    private static long stateBytes(SparkModel small, long rows) {
        Dataset<Row> data =
                spark.range(rows).selectExpr("id", "float(id % 17) as a", "float(id % 5) as b", "int(id % 2) as label");
        SampleColumns columns = SampleColumns.of("a", "b").target("label").id("id");
        try (SparkResults evaluated = BackPackSpark.evaluate(
                data,
                columns,
                small,
                List.of(Request.of(new Variance()), Request.of(new DiagGGNMC(1))),
                SparkOptions.DEFAULT.batch(8192))) {
            assertThat(evaluated.samples()).isEqualTo(rows);
            return evaluated.session().state().bytes();
        }
    }

    @Test
    void columns_that_do_not_fit_are_reported_together() {
        Dataset<Row> data = spark.range(5).selectExpr("id", "array('a') as words", "float(id) as x", "0 as label");
        SampleColumns columns =
                SampleColumns.of("words").target("label").id("number").input("other", "x");
        assertThatThrownBy(() -> BackPackSpark.evaluate(data, columns, sent, new Variance()))
                .isInstanceOf(BackpackException.class)
                .hasMessageContaining("The table has no column 'number'. Its columns: id, words, x, label.")
                .hasMessageContaining("The model has no input 'other'.")
                .hasMessageContaining("'words' of array<string>")
                .hasMessageContaining("3 problems.");
        assertThatThrownBy(
                        () -> BackPackSpark.evaluate(data, SampleColumns.of("x").target("label"), sent, new Variance()))
                .hasMessageContaining(
                        "1 columns are named for input 'input', but it has shape [6], that is 6 numbers.");
    }
}
