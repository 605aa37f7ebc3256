// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spark;

import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.Session;
import java.util.function.Supplier;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/**
 * What an evaluation on Spark came to. Close it when done; it is used by one thread at a time.
 *
 * <pre>{@code
 * try (SparkResults evaluated = BackPackSpark.evaluate(data, columns, model, requests, options);
 *         Results results = evaluated.results()) {
 *     Tensor variance = results.get(new Variance(), "0.weight");
 *     evaluated.perSample().write().parquet("norms");
 *     SessionFile.save(evaluated.session(), Path.of("today.safetensors"));
 * }
 * }</pre>
 */
public final class SparkResults implements AutoCloseable {

    private final ExecutorLibrary.Lease lease;
    private final Broadcast<SparkModel> broadcast;
    private final Session session;
    private final Supplier<Dataset<Row>> perSample;

    SparkResults(
            ExecutorLibrary.Lease lease,
            Broadcast<SparkModel> broadcast,
            Session session,
            Supplier<Dataset<Row>> perSample) {
        this.lease = lease;
        this.broadcast = broadcast;
        this.session = session;
        this.perSample = perSample;
    }

    /**
     * The session of all samples, on the driver: to be saved, to be merged with those of other days and places, or to
     * go on with. It closes with these results.
     */
    public Session session() {
        return session;
    }

    /**
     * Results of parameters and of the network, those of one pass over all samples within rounding. The caller closes
     * them, before these.
     */
    public Results results() {
        return session.results();
    }

    /** N, the number of samples. */
    public long samples() {
        return session.samples();
    }

    /**
     * Results of single samples as a table, made anew by passes wherever its rows are wanted, which never comes to the
     * driver as a whole: a column of ids, named and typed as the data's, or {@code id}; {@code loss_batch}; and a
     * column for every tensor of every request with an entry per sample, under its name in result files, such as
     * {@code 0.weight/batch_l2}, which SQL takes in back quotes. Several numbers of a sample are an array, row-major.
     *
     * <p>They are those of the factor 1 of the loss, and depend on nothing but the sample: of a mean over N samples,
     * gradients are N times and squared norms N² times those of one pass over all.
     *
     * <p>The table can be used until these results close.
     */
    public Dataset<Row> perSample() {
        return perSample.get();
    }

    /** Returns the memory, and has executors let go of the model. */
    @Override
    public void close() {
        try {
            session.close();
        } finally {
            broadcast.destroy();
            lease.close();
        }
    }
}
