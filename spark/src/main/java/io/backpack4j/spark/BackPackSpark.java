// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spark;

import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Session;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.tensor.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.InternalRow;

/**
 * Evaluates a model over a data set on Apache Spark. Passes run where the rows are, on one loaded library per executor
 * with one copy of the model; what they accumulate is merged on executors, and one state comes to the driver. A task
 * that fails is run again by Spark, and nothing is counted twice: its state counts when it is complete.
 *
 * <p>What is asked for must merge over batches, as in a {@link Session}. Several threads may evaluate at a time.
 *
 * <pre>{@code
 * SparkModel model = SparkModel.of(trained);
 * SampleColumns columns = SampleColumns.of("features").target("label").id("id");
 * try (SparkResults evaluated = BackPackSpark.evaluate(data, columns, model, new Variance(), new KFAC(1));
 *         Results results = evaluated.results()) {
 *     Tensor variance = results.get(new Variance(), "0.weight");
 * }
 * }</pre>
 */
public final class BackPackSpark {

    private static final String CONNECT = "org.apache.spark.sql.connect.";

    private BackPackSpark() {}

    /** Evaluates extensions for all parameters, with {@link SparkOptions#DEFAULT}. */
    public static SparkResults evaluate(
            Dataset<Row> data, SampleColumns columns, SparkModel model, Extension<?>... extensions) {
        List<Request<?>> requests = new ArrayList<>();
        for (Extension<?> extension : extensions) {
            requests.add(Request.of(extension));
        }
        return evaluate(data, columns, model, requests, SparkOptions.DEFAULT);
    }

    /**
     * Evaluates what is asked for over the rows of a table.
     *
     * @param requests extensions that are records of plain values, as all that ship are; those with a result per sample
     *     are for {@link SparkResults#perSample}
     * @throws BackpackException before any job with everything that does not fit, or naming the sample that a pass
     *     refused
     */
    public static SparkResults evaluate(
            Dataset<Row> data,
            SampleColumns columns,
            SparkModel model,
            List<? extends Request<?>> requests,
            SparkOptions options) {
        requireClassic(data);
        return run(data.sparkSession(), model, requests, options, ofModel -> {
            Columns.Found found = Columns.find(data, columns, ofModel);
            RowReader reader = found.reader();
            return new Evaluation.Samples<InternalRow>(
                    engineRows(found.rows()),
                    reader,
                    reader.form(),
                    columns.id().orElse("id"),
                    columns.id().isPresent(),
                    reader.id() == RowReader.Id.TEXT);
        });
    }

    /**
     * Evaluates what is asked for over samples.
     *
     * @param spark where the table of results per sample is made
     * @param samples whose targets are all classes or all real numbers, as the first one's
     * @see #evaluate(Dataset, SampleColumns, SparkModel, List, SparkOptions)
     */
    public static SparkResults evaluate(
            SparkSession spark,
            JavaRDD<Sample> samples,
            SparkModel model,
            List<? extends Request<?>> requests,
            SparkOptions options) {
        return run(spark, model, requests, options, ofModel -> {
            SampleForm form = form(samples.take(1), ofModel);
            return new Evaluation.Samples<Sample>(samples, new ObjectReader(form), form, "id", true, false);
        });
    }

    private static <T> SparkResults run(
            SparkSession spark,
            SparkModel model,
            List<? extends Request<?>> requests,
            SparkOptions options,
            Function<Model, Evaluation.Samples<T>> samples) {
        ExecutorLibrary.Lease lease = ExecutorLibrary.lease(model, Evaluation.threads(spark));
        boolean done = false;
        try {
            Evaluation evaluation = new Evaluation(spark, lease, model, List.copyOf(requests), options);
            SparkResults results = evaluation.run(samples.apply(lease.model()));
            done = true;
            return results;
        } finally {
            if (!done) {
                lease.close();
            }
        }
    }

    private static void requireClassic(Dataset<Row> data) {
        if (data.getClass().getName().startsWith(CONNECT)) {
            throw new BackpackException(
                    SparkProblems.SPARK_CONNECT,
                    "The data is a table of Spark Connect (%s), whose client sends plans and runs no code on executors. Run this program on the cluster with spark-submit, without a remote master."
                            .formatted(data.getClass().getName()));
        }
    }

    /** Rows as the engine holds them. */
    private static JavaRDD<InternalRow> engineRows(Dataset<Row> data) {
        return ((org.apache.spark.sql.classic.Dataset<Row>) data)
                .queryExecution()
                .toRdd()
                .toJavaRDD();
    }

    private static SampleForm form(List<Sample> first, Model model) {
        if (first.isEmpty()) {
            throw new BackpackException(SparkProblems.NO_SAMPLES, "There are no samples.");
        }
        Sample sample = first.get(0);
        boolean whole = sample.target() instanceof long[];
        SampleForm.Part target = TargetForm.find(model.loss(), model.outputShape(), model.dtype(), whole, -1)
                .orElseThrow(() -> new BackpackException(
                        SparkProblems.INVALID_COLUMNS,
                        "%s of an output of shape %s takes no target of one number, nor of as many as the output has."
                                .formatted(model.loss().type(), model.outputShape())));
        List<SampleForm.Part> inputs = new ArrayList<>();
        for (int i = 0; i < model.inputShapes().size(); i++) {
            boolean integers = i < sample.inputs().size() && sample.inputs().get(i) instanceof long[];
            inputs.add(new SampleForm.Part(
                    model.graph().inputs().get(i),
                    SparkModel.sizes(model.inputShapes().get(i)),
                    integers));
        }
        DType dtype = model.dtype();
        return new SampleForm(dtype, List.copyOf(inputs), target);
    }
}
