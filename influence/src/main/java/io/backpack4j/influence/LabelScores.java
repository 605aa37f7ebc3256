// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.influence;

import java.util.Collections;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;

/**
 * What is known about each of N labels, in the order of the source.
 *
 * @param ids the samples' ids, {@code [N]}
 * @param labels the labels that were given, {@code [N]}
 * @param predicted the most probable classes, {@code [N]}
 * @param labelProbabilities the probabilities of the labels that were given, {@code [N]}
 * @param predictedProbabilities the probabilities of the most probable classes, {@code [N]}
 * @param values the scores, each {@code [N]}
 */
public record LabelScores(
        long[] ids,
        long[] labels,
        int[] predicted,
        double[] labelProbabilities,
        double[] predictedProbabilities,
        Map<LabelScore, double[]> values) {

    public LabelScores {
        values = Collections.unmodifiableMap(new EnumMap<>(values));
    }

    /** N. */
    public int samples() {
        return ids.length;
    }

    /** The scores of one kind, {@code [N]}. */
    public double[] values(LabelScore score) {
        return Objects.requireNonNull(values.get(score), score.name());
    }

    /**
     * The samples' places in the source, the most suspicious first; equally suspicious ones in the order of the source.
     */
    public int[] order(LabelScore score) {
        double[] values = values(score);
        Comparator<Integer> ascending = Comparator.comparingDouble(n -> values[n]);
        return IntStream.range(0, values.length)
                .boxed()
                .sorted(score.greatestFirst() ? ascending.reversed() : ascending)
                .mapToInt(Integer::intValue)
                .toArray();
    }

    /** The rank of each sample, {@code [N]}: 1 for the most suspicious. */
    public int[] ranks(LabelScore score) {
        int[] order = order(score);
        int[] ranks = new int[order.length];
        for (int i = 0; i < order.length; i++) {
            ranks[order[i]] = i + 1;
        }
        return ranks;
    }
}
