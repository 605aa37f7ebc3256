// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.ext.firstorder.BatchGrad;
import io.backpack4j.ext.firstorder.BatchL2Grad;
import io.backpack4j.ext.firstorder.SumGradSquared;
import io.backpack4j.ext.firstorder.Variance;
import io.backpack4j.ext.secondorder.DiagGGNExact;
import io.backpack4j.ext.secondorder.DiagGGNMC;
import io.backpack4j.ext.secondorder.KFAC;
import io.backpack4j.ext.secondorder.KFLR;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.LongStream;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Evaluations in {@code local[2]} beside one pass over all samples. */
class EvaluationEngineTest {

    private static final int SAMPLES = 203;
    private static final double TOLERANCE = 1e-11;

    private static SparkSession spark;
    private static BackPack backpack;
    private static Model model;
    private static SparkModel sent;

    @BeforeAll
    static void start() {
        spark = SparkSessions.open("local[2]");
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

    private static List<Request<?>> ofAll() {
        return List.of(
                Request.of(new Variance()),
                Request.of(new SumGradSquared()),
                Request.of(new DiagGGNExact()),
                Request.of(new DiagGGNMC(1)),
                Request.of(new KFAC(2)),
                Request.of(new KFLR()));
    }

    static Dataset<Row> scalars(long samples, int partitions) {
        List<Row> rows = new ArrayList<>();
        for (long id = 0; id < samples; id++) {
            double[] features = Networks.features(id);
            Object[] values = new Object[Networks.FEATURES + 2];
            values[0] = id;
            for (int i = 0; i < features.length; i++) {
                values[i + 1] = features[i];
            }
            values[values.length - 1] = (int) Networks.label(id);
            rows.add(RowFactory.create(values));
        }
        StructType schema = new StructType().add("id", DataTypes.LongType);
        for (int i = 0; i < Networks.FEATURES; i++) {
            schema = schema.add("f" + i, DataTypes.DoubleType);
        }
        schema = schema.add("label", DataTypes.IntegerType);
        JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
        return spark.createDataFrame(context.parallelize(rows, partitions), schema);
    }

    static SampleColumns scalarColumns() {
        return SampleColumns.of("f0", "f1", "f2", "f3", "f4", "f5")
                .target("label")
                .id("id");
    }

    private static Map<String, double[]> onePass(List<? extends Request<?>> requests) {
        Map<String, double[]> numbers = new TreeMap<>();
        try (Batch all = Networks.batch(
                        backpack, DType.FLOAT64, LongStream.range(0, SAMPLES).toArray());
                Results results = backpack.plan(model, all, requests, io.backpack4j.kernel.PassOptions.DEFAULT)
                        .run(all, 0)) {
            results.tensors().forEach((name, tensor) -> numbers.put(name, tensor.toDoubleArray()));
            numbers.put("loss", new double[] {results.loss()});
        }
        return numbers;
    }

    private static void assertSame(Results results, Map<String, double[]> expected) {
        assertThat(results.loss()).isCloseTo(expected.get("loss")[0], within(TOLERANCE));
        int compared = 0;
        for (Map.Entry<String, Tensor> entry : results.tensors().entrySet()) {
            assertThat(entry.getValue().toDoubleArray())
                    .as(entry.getKey())
                    .containsExactly(expected.get(entry.getKey()), within(TOLERANCE));
            compared++;
        }
        assertThat(compared).isGreaterThan(20);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 7, 16})
    void results_are_those_of_one_pass_whatever_the_partitions(int partitions) {
        SparkOptions options =
                SparkOptions.DEFAULT.batch(17).partitions(partitions).fanIn(3);
        try (SparkResults evaluated =
                        BackPackSpark.evaluate(scalars(SAMPLES, partitions), scalarColumns(), sent, ofAll(), options);
                Results results = evaluated.results()) {
            assertThat(evaluated.samples()).isEqualTo(SAMPLES);
            assertSame(results, onePass(ofAll()));
        }
    }

    @Test
    void norms_of_samples_are_a_table_by_id() {
        List<Request<?>> requests =
                List.of(Request.of(new BatchL2Grad()), Request.of(new BatchGrad()), Request.of(new Variance()));
        Map<String, double[]> expected = onePass(requests);
        double factor = SAMPLES;
        try (SparkResults evaluated = BackPackSpark.evaluate(
                scalars(SAMPLES, 3),
                scalarColumns(),
                sent,
                requests,
                SparkOptions.DEFAULT.batch(16).keepOutputs())) {
            List<Row> rows = evaluated.perSample().orderBy("id").collectAsList();
            assertThat(rows).hasSize(SAMPLES);
            for (int n = 0; n < SAMPLES; n++) {
                Row row = rows.get(n);
                assertThat(row.<Long>getAs("id")).isEqualTo(n);
                assertThat(row.<Double>getAs("loss_batch")).isCloseTo(expected.get("loss_batch")[n], within(TOLERANCE));
                assertThat(row.<Double>getAs("0.weight/batch_l2"))
                        .isCloseTo(expected.get("0.weight/batch_l2")[n] * factor * factor, within(1e-9));
                List<Double> gradient = row.getList(row.fieldIndex("2.bias/grad_batch"));
                for (int i = 0; i < Networks.CLASSES; i++) {
                    assertThat(gradient.get(i))
                            .isCloseTo(
                                    expected.get("2.bias/grad_batch")[n * Networks.CLASSES + i] * factor,
                                    within(1e-10));
                }
                assertThat(row.getList(row.fieldIndex("output"))).hasSize(Networks.CLASSES);
            }
        }
    }

    @Test
    void arrays_of_floats_are_features_and_labels_may_be_real() {
        Dataset<Row> data = scalars(SAMPLES, 2)
                .selectExpr("id", "array(f0,f1,f2,f3,f4,f5) as features", "cast(label as double) as label");
        SampleColumns columns = SampleColumns.of("features").target("label").id("id");
        try (SparkResults evaluated =
                        BackPackSpark.evaluate(data, columns, sent, ofAll(), SparkOptions.DEFAULT.batch(50));
                Results results = evaluated.results()) {
            assertSame(results, onePass(ofAll()));
        }
        try (Model single = Networks.mlp(backpack, DType.FLOAT32);
                SparkResults evaluated = BackPackSpark.evaluate(
                        data.selectExpr("id", "cast(features as array<float>) as features", "label"),
                        columns,
                        SparkModel.of(single),
                        new Variance());
                Results results = evaluated.results()) {
            assertThat(results.loss()).isCloseTo(onePass(List.of()).get("loss")[0], within(1e-6));
        }
    }

    @Test
    void samples_may_be_objects() {
        JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
        JavaRDD<Sample> samples = context.parallelize(
                        LongStream.range(0, SAMPLES).boxed().toList(), 4)
                .map(id -> Sample.of(id).input(Networks.features(id)).target(Networks.label(id)));
        try (SparkResults evaluated =
                        BackPackSpark.evaluate(spark, samples, sent, ofAll(), SparkOptions.DEFAULT.batch(32));
                Results results = evaluated.results()) {
            assertSame(results, onePass(ofAll()));
        }
    }

    @Test
    void texts_are_ids_by_the_hash_of_spark() {
        Dataset<Row> data =
                scalars(SAMPLES, 3).withColumn("name", org.apache.spark.sql.functions.expr("concat('ä-', id)"));
        List<Request<?>> requests = List.of(Request.of(new BatchL2Grad()), Request.of(new DiagGGNMC(1)));
        Map<String, double[]> numbers = new TreeMap<>();
        try (SparkResults evaluated = BackPackSpark.evaluate(
                        data, scalarColumns().id("name"), sent, requests, SparkOptions.DEFAULT.checkDistinct());
                Results results = evaluated.results()) {
            Row first =
                    evaluated.perSample().where("name = 'ä-17'").collectAsList().get(0);
            assertThat(first.<Double>getAs("0.bias/batch_l2")).isPositive();
            results.tensors().forEach((name, tensor) -> numbers.put(name, tensor.toDoubleArray()));
        }
        Dataset<Row> hashed = data.withColumn("hash", org.apache.spark.sql.functions.expr("xxhash64(name)"));
        try (SparkResults evaluated = BackPackSpark.evaluate(
                        hashed, scalarColumns().id("hash"), sent, requests, SparkOptions.DEFAULT.partitions(1));
                Results results = evaluated.results()) {
            assertThat(results.tensors().get("0.weight/diag_ggn_mc").toDoubleArray())
                    .as("the same draws")
                    .containsExactly(numbers.get("0.weight/diag_ggn_mc"), within(TOLERANCE));
        }
    }

    @Test
    void what_is_drawn_or_of_single_samples_needs_ids() {
        SampleColumns columns =
                SampleColumns.of("f0", "f1", "f2", "f3", "f4", "f5").target("label");
        assertThatThrownBy(() -> BackPackSpark.evaluate(scalars(9, 2), columns, sent, new DiagGGNMC(1)))
                .isInstanceOf(BackpackException.class)
                .hasMessageStartingWith("[MissingIds] The samples have no ids, but something is drawn at random");
        assertThatThrownBy(() -> BackPackSpark.evaluate(scalars(9, 2), columns, sent, new BatchL2Grad()))
                .hasMessageStartingWith(
                        "[MissingIds] The samples have no ids, but BatchL2Grad has a result per sample");
        try (SparkResults evaluated = BackPackSpark.evaluate(scalars(9, 2), columns, sent, new Variance())) {
            assertThat(evaluated.samples()).isEqualTo(9);
        }
    }

    @Test
    void repeated_ids_are_found_on_request() {
        Dataset<Row> data = scalars(20, 2).withColumn("id", org.apache.spark.sql.functions.expr("id % 18"));
        assertThatThrownBy(() -> BackPackSpark.evaluate(
                        data,
                        scalarColumns(),
                        sent,
                        List.of(Request.of(new Variance())),
                        SparkOptions.DEFAULT.checkDistinct()))
                .isInstanceOf(BackpackException.class)
                .hasMessageStartingWith("[RepeatedIds]")
                .hasMessageContaining("0 (2 times)");
    }

    @Test
    void rows_that_cannot_be_read_or_evaluated_are_named() {
        assertThatThrownBy(() -> evaluateWith("if(id = 13, null, f3)", "f3"))
                .isInstanceOf(BackpackException.class)
                .hasMessage("[InvalidRow] Sample 13: column 'f3' is null. Correct or filter out the row.");
        assertThatThrownBy(() -> evaluateWith("if(id = 13, double('NaN'), f3)", "f3"))
                .isInstanceOf(BackpackException.class)
                .hasMessageContaining("13");
        assertThatThrownBy(() -> evaluateWith("if(id = 13, 3, label)", "label"))
                .isInstanceOf(BackpackException.class)
                .hasMessageContaining("Sample (id 13)");
        assertThatThrownBy(() -> evaluateWith("if(id = 13, 0.5D, cast(label as double))", "label"))
                .isInstanceOf(BackpackException.class)
                .hasMessageContaining("Sample 13: column 'label' is 0.5, but must be a whole number");
    }

    private static void evaluateWith(String expression, String column) {
        Dataset<Row> data = scalars(40, 2).withColumn(column, org.apache.spark.sql.functions.expr(expression));
        BackPackSpark.evaluate(
                        data, scalarColumns(), sent, List.of(Request.of(new Variance())), SparkOptions.DEFAULT.batch(8))
                .close();
    }
}
