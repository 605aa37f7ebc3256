// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spark;

import java.util.ArrayDeque;
import java.util.Collections;
import java.util.Deque;
import java.util.Iterator;
import java.util.NoSuchElementException;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.Function2;
import org.apache.spark.sql.Row;
import org.apache.spark.util.TaskCompletionListener;

/**
 * Makes rows of what passes have for single samples, a batch at a time.
 *
 * @param work what to do
 * @param reader how samples are read
 * @param form what a sample is
 * @param batch how many a pass takes
 * @param results what is asked for
 * @param <T> what Spark holds samples in
 */
record PartitionRows<T>(Work work, SampleReader<T> reader, SampleForm form, int batch, SampleResults results)
        implements Function2<Integer, Iterator<T>, Iterator<Row>> {

    @Override
    public Iterator<Row> call(Integer partition, Iterator<T> samples) {
        if (!samples.hasNext()) {
            return Collections.emptyIterator();
        }
        return TaskFailure.carried(() -> {
            TaskSession session = new TaskSession(work);
            // Whoever reads the rows may stop anywhere.
            TaskContext.get().addTaskCompletionListener((TaskCompletionListener) context -> session.close());
            return new Rows(session, samples, PartitionState.first(partition));
        });
    }

    private final class Rows implements Iterator<Row> {

        private final TaskSession session;
        private final Iterator<T> samples;
        private final BatchArrays arrays = new BatchArrays(form, batch);
        private final Deque<Row> ready = new ArrayDeque<>();
        private long number;

        private Rows(TaskSession session, Iterator<T> samples, long number) {
            this.session = session;
            this.samples = samples;
            this.number = number;
        }

        @Override
        public boolean hasNext() {
            if (ready.isEmpty() && samples.hasNext()) {
                TaskFailure.carried(() -> {
                    number += TaskSession.read(samples, reader, number, arrays);
                    session.add(arrays, made -> ready.addAll(results.rows(made, arrays)));
                    return true;
                });
            }
            return !ready.isEmpty();
        }

        @Override
        public Row next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            return ready.remove();
        }
    }
}
