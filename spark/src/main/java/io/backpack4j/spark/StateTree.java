// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spark;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Objects;
import org.apache.spark.Partitioner;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.function.Function2;
import org.jspecify.annotations.Nullable;
import scala.Tuple2;

/**
 * Merges the states of partitions on executors, neighbours first, until one is left. A state travels in chunks, whose
 * keys are the number of its partition and its own; Spark sorts them, so that the order of merging, and with it the
 * result, is the same whatever task ends first.
 */
final class StateTree {

    private StateTree() {}

    /** Chunks of a partition's state with their keys. */
    static Iterator<Tuple2<Long, byte[]>> keyed(int partition, List<byte[]> chunks) {
        List<Tuple2<Long, byte[]>> keyed = new ArrayList<>();
        for (int i = 0; i < chunks.size(); i++) {
            keyed.add(new Tuple2<>(((long) partition << Integer.SIZE) | i, chunks.get(i)));
        }
        return keyed.iterator();
    }

    private static int partition(long key) {
        return (int) (key >>> Integer.SIZE);
    }

    /** Merges states until there is one, or none if no partition had samples. */
    static JavaPairRDD<Long, byte[]> merged(JavaPairRDD<Long, byte[]> states, Work work, int fanIn) {
        JavaPairRDD<Long, byte[]> level = states;
        int count = states.getNumPartitions();
        while (count > 1) {
            count = (count + fanIn - 1) / fanIn;
            level = JavaPairRDD.fromJavaRDD(level.repartitionAndSortWithinPartitions(new Neighbours(count, fanIn))
                    .mapPartitions(chunks -> chunks)
                    .mapPartitionsWithIndex(new Merge(work), true));
        }
        return level;
    }

    /** Brings states of neighbouring partitions together. */
    private static final class Neighbours extends Partitioner {

        private static final long serialVersionUID = 1L;

        private final int count;
        private final int fanIn;

        private Neighbours(int count, int fanIn) {
            this.count = count;
            this.fanIn = fanIn;
        }

        @Override
        public int numPartitions() {
            return count;
        }

        @Override
        public int getPartition(Object key) {
            return partition((Long) key) / fanIn;
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Neighbours that && count == that.count && fanIn == that.fanIn;
        }

        @Override
        public int hashCode() {
            return 31 * count + fanIn;
        }
    }

    /** Merges the states that were brought together. */
    private record Merge(Work work)
            implements Function2<Integer, Iterator<Tuple2<Long, byte[]>>, Iterator<Tuple2<Long, byte[]>>> {

        @Override
        public Iterator<Tuple2<Long, byte[]>> call(Integer partition, Iterator<Tuple2<Long, byte[]>> chunks) {
            States states = new States(chunks);
            if (!states.hasNext()) {
                return new ArrayList<Tuple2<Long, byte[]>>().iterator();
            }
            return keyed(partition, TaskFailure.carried(() -> merged(states)));
        }

        private List<byte[]> merged(States states) {
            try (TaskSession session = new TaskSession(work)) {
                while (states.hasNext()) {
                    session.merge(StateChunks.stream(states.next()));
                }
                return session.state();
            }
        }
    }

    /** States in a row of chunks. Every state is read to its end before the next. */
    private static final class States {

        private final Iterator<Tuple2<Long, byte[]>> chunks;
        private @Nullable Tuple2<Long, byte[]> ahead;

        private States(Iterator<Tuple2<Long, byte[]>> chunks) {
            this.chunks = chunks;
            this.ahead = chunks.hasNext() ? chunks.next() : null;
        }

        private boolean hasNext() {
            return ahead != null;
        }

        private Iterator<byte[]> next() {
            int current = partition(Objects.requireNonNull(ahead)._1());
            return new Iterator<>() {
                @Override
                public boolean hasNext() {
                    return ahead != null && partition(ahead._1()) == current;
                }

                @Override
                public byte[] next() {
                    if (!hasNext()) {
                        throw new NoSuchElementException();
                    }
                    byte[] chunk = Objects.requireNonNull(ahead)._2();
                    ahead = chunks.hasNext() ? chunks.next() : null;
                    return chunk;
                }
            };
        }
    }
}
