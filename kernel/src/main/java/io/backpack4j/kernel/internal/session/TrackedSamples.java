// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.session;

import io.backpack4j.kernel.SessionState;
import io.backpack4j.spi.tensor.Shape;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The ids of the samples so far, in order, and a hash table of them with open addressing: 24 bytes a sample, at most.
 */
final class TrackedSamples implements KnownSamples {

    private static final String IDS = "sample_ids";

    private static final int FIRST_CAPACITY = 16;
    private static final int SHOWN = 10;

    /** 2^64 divided by the golden ratio: neighbouring ids are spread over the table. */
    private static final long SPREAD = 0x9E3779B97F4A7C15L;

    private long[] ids = new long[FIRST_CAPACITY];
    private int count;

    /** Positions in {@link #ids} plus one, 0 for none; a power of two long, at most half full. */
    private int[] table = new int[2 * FIRST_CAPACITY];

    @Override
    public long count() {
        return count;
    }

    @Override
    public long[] ids() {
        long[] sorted = Arrays.copyOf(ids, count);
        Arrays.sort(sorted);
        return sorted;
    }

    @Override
    public SampleOrder order() {
        long[] sorted = ids();
        if (Arrays.equals(sorted, 0, count, ids, 0, count)) {
            return SampleOrder.asAdded(count);
        }
        long[] starts = new long[count];
        long[] lengths = new long[count];
        int runs = 0;
        for (long id : sorted) {
            int position = table[place(id)] - 1;
            if (runs > 0 && starts[runs - 1] + lengths[runs - 1] == position) {
                lengths[runs - 1]++;
            } else {
                starts[runs] = position;
                lengths[runs] = 1;
                runs++;
            }
        }
        return new SampleOrder(Arrays.copyOf(starts, runs), Arrays.copyOf(lengths, runs));
    }

    @Override
    public void requireNew(String from, KnownSamples added) {
        TrackedSamples other = (TrackedSamples) added;
        requireNew(from, Arrays.copyOf(other.ids, other.count));
    }

    @Override
    public void requireNew(String from, long... added) {
        Set<Long> duplicates = new LinkedHashSet<>();
        TrackedSamples own = new TrackedSamples();
        for (long id : added) {
            if (contains(id) || own.contains(id)) {
                duplicates.add(id);
            } else {
                own.append(id);
            }
        }
        if (!duplicates.isEmpty()) {
            String shown = duplicates.stream().limit(SHOWN).map(String::valueOf).collect(Collectors.joining(", "));
            throw KnownSamples.duplicate(
                    from,
                    "%d sample(s) that are there already: %s%s"
                            .formatted(duplicates.size(), shown, duplicates.size() > SHOWN ? ", …" : ""));
        }
    }

    @Override
    public void addAll(KnownSamples added) {
        TrackedSamples other = (TrackedSamples) added;
        for (int i = 0; i < other.count; i++) {
            append(other.ids[i]);
        }
    }

    @Override
    public Map<String, SessionState.Numbers> state() {
        return Map.of(IDS, new HostIntegers(Shape.of(count), ids));
    }

    @Override
    public void restore(SessionState state) {
        SessionState.Numbers numbers = StateReader.integers(state, IDS);
        StateReader.require(numbers.shape().rank() == 1, IDS, numbers);
        long[] restored = StateReader.readAll(numbers);
        requireNew("The session's state", restored);
        addAll(restored);
    }

    @Override
    public void addAll(long... added) {
        for (long id : added) {
            append(id);
        }
    }

    private void append(long id) {
        if (count == ids.length) {
            ids = Arrays.copyOf(ids, 2 * count);
            table = new int[4 * count];
            for (int i = 0; i < count; i++) {
                table[place(ids[i])] = i + 1;
            }
        }
        ids[count] = id;
        count++;
        table[place(id)] = count;
    }

    private boolean contains(long id) {
        return table[place(id)] != 0;
    }

    /** Finds the place where an id is, or would be. */
    private int place(long id) {
        int place = (int) ((id * SPREAD) >>> 32) & (table.length - 1);
        while (table[place] != 0 && ids[table[place] - 1] != id) {
            place = (place + 1) & (table.length - 1);
        }
        return place;
    }
}
