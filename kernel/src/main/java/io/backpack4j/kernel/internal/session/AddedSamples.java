// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.session;

import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.spi.BackpackException;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The ids of the samples so far, in order, and a hash table of them with open addressing: 24 bytes a sample, at most.
 */
final class AddedSamples {

    private static final int FIRST_CAPACITY = 16;
    private static final int SHOWN = 10;

    /** 2^64 divided by the golden ratio: neighbouring ids are spread over the table. */
    private static final long SPREAD = 0x9E3779B97F4A7C15L;

    private long[] ids = new long[FIRST_CAPACITY];
    private int count;

    /** Positions in {@link #ids} plus one, 0 for none; a power of two long, at most half full. */
    private int[] table = new int[2 * FIRST_CAPACITY];

    int count() {
        return count;
    }

    long[] ids() {
        return Arrays.copyOf(ids, count);
    }

    /**
     * Checks that ids are new, and different from each other.
     *
     * @param from what the samples come with, for the message
     */
    void requireNew(String from, long... added) {
        Set<Long> duplicates = new LinkedHashSet<>();
        AddedSamples own = new AddedSamples();
        for (long id : added) {
            if (contains(id) || own.contains(id)) {
                duplicates.add(id);
            } else {
                own.append(id);
            }
        }
        if (!duplicates.isEmpty()) {
            String shown = duplicates.stream().limit(SHOWN).map(String::valueOf).collect(Collectors.joining(", "));
            throw new BackpackException(
                    KernelProblems.DUPLICATE_SAMPLE,
                    "%s has %d sample(s) that are there already: %s%s. Every sample of a session needs an id of its own: give batches theirs with sampleIds(…)."
                            .formatted(from, duplicates.size(), shown, duplicates.size() > SHOWN ? ", …" : ""));
        }
    }

    void addAll(long... added) {
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
