// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.report;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Suspicious labels as data: what their page shows.
 *
 * @param summary what was found, in a sentence
 * @param facts what was audited
 * @param score the name of the score that orders the samples
 * @param scores the names of all scores
 * @param suspects the samples, the most suspicious first
 */
public record AuditReport(
        String summary, List<Report.Fact> facts, String score, List<String> scores, List<Suspect> suspects) {

    public AuditReport {
        facts = List.copyOf(facts);
        scores = List.copyOf(scores);
        suspects = List.copyOf(suspects);
    }

    /**
     * A sample whose label is suspected.
     *
     * @param id the sample's
     * @param label that was given
     * @param predicted the most probable class
     * @param labelProbability that of the label
     * @param predictedProbability that of the most probable class
     * @param values of the scores, by their names
     * @param ranks by the scores, 1 for the most suspicious of all samples
     * @param picture of the sample, if it is one
     */
    public record Suspect(
            long id,
            long label,
            int predicted,
            double labelProbability,
            double predictedProbability,
            Map<String, Double> values,
            Map<String, Integer> ranks,
            @Nullable SamplePicture picture) {

        public Suspect {
            labelProbability = Rounding.round(labelProbability);
            predictedProbability = Rounding.round(predictedProbability);
            values = Map.copyOf(values);
            ranks = Map.copyOf(ranks);
        }
    }
}
