// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.embedding;

import java.util.Arrays;

/**
 * The different rows that samples look up, in ascending order, and where each of their positions finds its own.
 *
 * @param ids {@code [I, K]}: the rows of I samples, −1 behind the last of each
 * @param slots {@code [I, S]}: the place of every position's row in {@link #ids}; a free one for padding
 * @param positions {@code [I, S]}: the positions of these samples among all N · S
 */
record SampleRows(long[] ids, long[] slots, long[] positions) {

    /**
     * Lists them.
     *
     * @param most K, at least S
     * @param samples which, I of them
     */
    static SampleRows of(Lookup lookup, long most, long... samples) {
        int width = Math.toIntExact(most);
        int count = lookup.positions();
        if (width < count) {
            throw new IllegalArgumentException("A sample looks up %d rows, not %d".formatted(count, width));
        }
        long[] ids = new long[Math.multiplyExact(samples.length, width)];
        Arrays.fill(ids, -1);
        long[] slots = new long[samples.length * count];
        long[] positions = new long[slots.length];
        for (int i = 0; i < samples.length; i++) {
            int from = Math.toIntExact(samples[i]) * count;
            long[] own = Arrays.stream(lookup.rows(), from, from + count)
                    .filter(row -> row != lookup.padding())
                    .sorted()
                    .distinct()
                    .toArray();
            System.arraycopy(own, 0, ids, i * width, own.length);
            for (int s = 0; s < count; s++) {
                int slot = Arrays.binarySearch(own, lookup.rows()[from + s]);
                // Padding leaves the last place free.
                slots[i * count + s] = (long) i * width + (slot < 0 ? width - 1 : slot);
                positions[i * count + s] = (long) from + s;
            }
        }
        return new SampleRows(ids, slots, positions);
    }
}
