// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spark;

import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.api.java.function.Function2;
import scala.Tuple2;

/**
 * Runs passes over the samples of a partition.
 *
 * @param work what to do
 * @param reader how samples are read
 * @param form what a sample is
 * @param batch how many a pass takes
 * @param <T> what Spark holds samples in
 */
record PartitionState<T>(Work work, SampleReader<T> reader, SampleForm form, int batch)
        implements Function2<Integer, Iterator<T>, Iterator<Tuple2<Long, byte[]>>> {

    /** A partition has fewer samples than that. */
    private static final int NUMBER_BITS = 40;

    /** The number of a partition's first sample, for samples that have no id. */
    static long first(int partition) {
        return (long) partition << NUMBER_BITS;
    }

    @Override
    public Iterator<Tuple2<Long, byte[]>> call(Integer partition, Iterator<T> rows) {
        if (!rows.hasNext()) {
            return Collections.emptyIterator();
        }
        List<byte[]> state = TaskFailure.carried(() -> state(first(partition), rows));
        return StateTree.keyed(partition, state);
    }

    private List<byte[]> state(long first, Iterator<T> rows) {
        BatchArrays samples = new BatchArrays(form, batch);
        try (TaskSession session = new TaskSession(work)) {
            long number = first;
            for (int read = TaskSession.read(rows, reader, number, samples); read > 0; ) {
                session.add(samples);
                number += read;
                read = TaskSession.read(rows, reader, number, samples);
            }
            return session.state();
        }
    }
}
