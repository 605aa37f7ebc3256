// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.audit;

import io.backpack4j.cli.console.Text;
import io.backpack4j.cli.report.AuditReport;
import io.backpack4j.cli.report.Report.Fact;
import io.backpack4j.cli.report.SamplePicture;
import io.backpack4j.influence.LabelScore;
import io.backpack4j.influence.LabelScores;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.HostTensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/** The samples whose labels are most suspicious. */
final class Suspects {

    private final LabelScores scores;
    private final LabelScore score;
    private final int[] first;
    private final Map<LabelScore, int[]> ranks = new HashMap<>();

    /**
     * Orders samples.
     *
     * @param score orders them
     * @param count how many are looked at
     */
    Suspects(LabelScores scores, LabelScore score, int count) {
        this.scores = scores;
        this.score = score;
        this.first = Arrays.copyOf(scores.order(score), count);
        for (LabelScore one : LabelScore.values()) {
            ranks.put(one, scores.ranks(one));
        }
    }

    /** The first of them, without pictures. */
    List<AuditReport.Suspect> most(int count) {
        return Arrays.stream(first)
                .limit(count)
                .mapToObj(n -> suspect(n, Optional.empty()))
                .toList();
    }

    /** All of them as a page shows them. */
    AuditReport report(AuditInputs inputs, String model, double damping, String backend) {
        List<AuditReport.Suspect> suspects = new ArrayList<>();
        for (int n : first) {
            suspects.add(suspect(n, picture(inputs, n)));
        }
        int others = (int) IntStream.range(0, scores.samples())
                .filter(n -> scores.predicted()[n] != scores.labels()[n])
                .count();
        String summary = "The network predicts another class than the label for %d of %d samples."
                .formatted(others, scores.samples());
        List<Fact> facts = List.of(
                new Fact("Model", model),
                new Fact(
                        "Data",
                        "%d %s".formatted(scores.samples(), inputs.opened().about())),
                new Fact("Ordered by", name(score)),
                new Fact("Self-influence", "KFAC, damping " + damping),
                new Fact("Computed with", Text.of(inputs.model().dtype()) + ", " + backend));
        List<String> names =
                Arrays.stream(LabelScore.values()).map(Suspects::name).toList();
        return new AuditReport(summary, facts, name(score), names, suspects);
    }

    private AuditReport.Suspect suspect(int n, Optional<SamplePicture> picture) {
        Map<String, Double> values = new HashMap<>();
        Map<String, Integer> places = new HashMap<>();
        ranks.forEach((one, rank) -> {
            values.put(name(one), scores.values(one)[n]);
            places.put(name(one), rank[n]);
        });
        return new AuditReport.Suspect(
                scores.ids()[n],
                scores.labels()[n],
                scores.predicted()[n],
                scores.labelProbabilities()[n],
                scores.predictedProbabilities()[n],
                values,
                places,
                picture.orElse(null));
    }

    private static String name(LabelScore score) {
        return Text.of(score);
    }

    /** The picture of a sample with bytes for pixels, or with channels, whatever shape the model takes it in. */
    private static Optional<SamplePicture> picture(AuditInputs inputs, int n) {
        if (inputs.opened().samples().size() != 1) {
            return Optional.empty();
        }
        Shape shape = inputs.opened().samples().get(0);
        if (!inputs.opened().areBytes() && shape.rank() == 2) {
            return Optional.empty();
        }
        HostTensor numbers = inputs.source()
                .read(new long[] {n}, 1)
                .inputs()
                .values()
                .iterator()
                .next();
        return SamplePicture.of(shape, numbers::value);
    }
}
