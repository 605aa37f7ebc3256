// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.embedding;

import java.util.Arrays;

/**
 * Where rows occur among N · S positions of a batch.
 *
 * @param first per position, the first position of its sample that looks up the same row
 * @param ranks per position, the number of its row among the different rows of the batch in ascending order
 * @param samples per different row, in how many samples it occurs
 * @param isFirstOfBatch per position, whether its row does not occur before
 * @param fewest the least number of different rows of a sample, 0 without samples
 */
record Occurrences(long[] first, int[] ranks, int[] samples, boolean[] isFirstOfBatch, int fewest) {

    static Occurrences of(Lookup lookup) {
        long[] rows = lookup.rows();
        int count = rows.length;
        long[] order = new long[count];
        for (int i = 0; i < count; i++) {
            order[i] = rows[i] << Integer.SIZE | i;
        }
        Arrays.sort(order);
        long[] first = new long[count];
        int[] ranks = new int[count];
        int[] samples = new int[count];
        boolean[] isFirstOfBatch = new boolean[count];
        int[] different = new int[lookup.samples()];
        int rank = -1;
        int leader = -1;
        for (int i = 0; i < count; i++) {
            int position = (int) order[i];
            boolean sameRow = i > 0 && order[i] >> Integer.SIZE == order[i - 1] >> Integer.SIZE;
            if (!sameRow) {
                rank++;
                isFirstOfBatch[position] = true;
            }
            if (!sameRow || position / lookup.positions() != leader / lookup.positions()) {
                leader = position;
                samples[rank]++;
                different[position / lookup.positions()]++;
            }
            first[position] = leader;
            ranks[position] = rank;
        }
        return new Occurrences(
                first,
                ranks,
                Arrays.copyOf(samples, rank + 1),
                isFirstOfBatch,
                Arrays.stream(different).min().orElse(0));
    }

    /** Whether a position is the first of its sample that looks up its row. */
    boolean isFirst(int position) {
        return first[position] == position;
    }
}
