// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spark;

import io.backpack4j.formats.SessionFile;
import io.backpack4j.kernel.PerSample;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.SampleIds;
import io.backpack4j.kernel.Session;
import io.backpack4j.kernel.SessionOptions;
import io.backpack4j.spi.BackpackException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import scala.Tuple2;

/**
 * An evaluation, as the driver sees it.
 *
 * @param spark where it runs
 * @param lease the driver's library and model
 * @param model what executors get
 * @param requests what is asked for
 * @param options how
 */
record Evaluation(
        SparkSession spark,
        ExecutorLibrary.Lease lease,
        SparkModel model,
        List<Request<?>> requests,
        SparkOptions options) {

    private static final int SHOWN = 10;

    /**
     * The samples.
     *
     * @param rows what Spark holds them in
     * @param reader how they are read
     * @param form what they are
     * @param idColumn the name of the column of ids among results
     * @param hasIds whether they have ids of their own
     * @param text whether these are made of texts
     */
    record Samples<T>(
            JavaRDD<T> rows, SampleReader<T> reader, SampleForm form, String idColumn, boolean hasIds, boolean text) {}

    /** How many threads a task has. */
    static int threads(SparkSession spark) {
        return spark.sparkContext().getConf().getInt("spark.task.cpus", 1);
    }

    /**
     * Runs it.
     *
     * @return results, which keep the lease
     */
    <T> SparkResults run(Samples<T> samples) {
        JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
        List<Request<?>> ofSamples = requests.stream()
                .filter(request -> request.extension().resultRule().isPerSample())
                .toList();
        List<Request<?>> ofAll = requests.stream()
                .filter(request -> !request.extension().resultRule().isPerSample())
                .toList();
        SessionOptions whole = new SessionOptions(options.pass(), options.seed(), false, options.ids(), PerSample.DROP);
        Rehearsal rehearsal = new Rehearsal(lease.backpack(), lease.model(), samples.form());
        requireIds(samples, rehearsal, ofSamples, ofAll, whole);
        StateSize.require(rehearsal.stateBytes(ofAll, whole), context.getConf());
        JavaRDD<T> rows = coalesced(samples.rows(), context);
        if (options.distinct()) {
            requireDistinct(samples);
        }
        Broadcast<SparkModel> broadcast = context.broadcast(model);
        boolean done = false;
        Session session = lease.backpack().session(lease.model(), ofAll, whole);
        try {
            Work work = new Work(broadcast, ofAll, whole, threads(spark));
            collect(states(rows, samples, work), session);
            SessionOptions handedOver = new SessionOptions(
                    options.pass(), options.seed(), options.outputs(), SampleIds.NONE, PerSample.HAND_OVER);
            done = true;
            return new SparkResults(
                    lease,
                    broadcast,
                    session,
                    () -> perSample(
                            rows, samples, rehearsal, new Work(broadcast, ofSamples, handedOver, work.threads())));
        } finally {
            if (!done) {
                session.close();
                broadcast.destroy();
            }
        }
    }

    private <T> JavaRDD<T> coalesced(JavaRDD<T> rows, JavaSparkContext context) {
        int most = options.partitions().orElse(context.defaultParallelism());
        return rows.getNumPartitions() > most ? rows.coalesce(most) : rows;
    }

    private <T> JavaPairRDD<Long, byte[]> states(JavaRDD<T> rows, Samples<T> samples, Work work) {
        PartitionState<T> passes = new PartitionState<>(work, samples.reader(), samples.form(), options.batch());
        JavaPairRDD<Long, byte[]> states = JavaPairRDD.fromJavaRDD(rows.mapPartitionsWithIndex(passes, false));
        return StateTree.merged(states, work, options.fanIn());
    }

    private void collect(JavaPairRDD<Long, byte[]> state, Session session) {
        List<byte[]> chunks = TaskFailure.unwrapped(() -> state.values().collect());
        if (chunks.isEmpty()) {
            throw new BackpackException(
                    SparkProblems.NO_SAMPLES, "The data has no rows. Look at what it was filtered by.");
        }
        try {
            session.merge(SessionFile.readFrom(StateChunks.stream(chunks.iterator())));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private <T> Dataset<Row> perSample(JavaRDD<T> rows, Samples<T> samples, Rehearsal rehearsal, Work work) {
        List<Request<?>> asked = work.requests(lease.loader());
        SampleResults results =
                rehearsal.sampleResults(asked, work.options(lease.loader()), samples.idColumn(), samples.text());
        JavaRDD<Row> made = rows.mapPartitionsWithIndex(
                new PartitionRows<>(work, samples.reader(), samples.form(), options.batch(), results), true);
        return spark.createDataFrame(made, results.schema());
    }

    private void requireIds(
            Samples<?> samples,
            Rehearsal rehearsal,
            List<Request<?>> ofSamples,
            List<Request<?>> ofAll,
            SessionOptions whole) {
        if (samples.hasIds()) {
            return;
        }
        String why = null;
        if (!ofSamples.isEmpty()) {
            why = "%s has a result per sample"
                    .formatted(ofSamples.get(0).extension().type());
        } else if (options.distinct() || options.ids() != SampleIds.NONE) {
            why = "the options look at ids";
        } else if (rehearsal.draws(ofAll, whole)) {
            why = "something is drawn at random, and draws belong to samples, not to partitions";
        }
        if (why != null) {
            throw new BackpackException(
                    SparkProblems.MISSING_IDS,
                    "The samples have no ids, but %s. Name a column of whole numbers or text with SampleColumns.id; monotonically_increasing_id() changes with the partitions."
                            .formatted(why));
        }
    }

    private <T> void requireDistinct(Samples<T> samples) {
        SampleReader<T> reader = samples.reader();
        List<Tuple2<Long, Integer>> repeated = TaskFailure.unwrapped(() -> samples.rows()
                .mapToPair(row -> new Tuple2<>(TaskFailure.carried(() -> reader.id(row, 0)), 1))
                .reduceByKey(Integer::sum)
                .filter(pair -> pair._2() > 1)
                .take(SHOWN));
        if (!repeated.isEmpty()) {
            throw new BackpackException(
                    SparkProblems.REPEATED_IDS,
                    "Several samples have one id: %s. Remove the repeated rows, or name another column."
                            .formatted(repeated.stream()
                                    .map(pair -> pair._1() + " (" + pair._2() + " times)")
                                    .collect(Collectors.joining(", "))));
        }
    }
}
