// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.metric;

import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.Metric;
import io.backpack4j.training.State;
import io.backpack4j.training.data.HostTensor;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * The area under the receiver operating characteristic of two classes: how often a positive sample scores higher than a
 * negative one, ties counting a half. The score is the only output, or the second of two less the first. Keeps a score
 * per sample.
 */
public record Auc() implements Metric {

    @Override
    public String name() {
        return "auc";
    }

    @Override
    public Sum start() {
        return new Ranked();
    }

    private record Scored(double score, boolean positive) {}

    private static final class Ranked implements Sum {

        private final List<Scored> all = new ArrayList<>();

        @Override
        public void add(Shape shape, double[] outputs, HostTensor targets) {
            Classes classes = Classes.of(shape, outputs, targets);
            for (int n = 0; n < classes.samples(); n++) {
                for (int s = 0; s < classes.positions(); s++) {
                    double score = classes.classes() == 1
                            ? classes.score(n, s, 0)
                            : classes.score(n, s, 1) - classes.score(n, s, 0);
                    all.add(new Scored(score, classes.target(n, s) == 1));
                }
            }
        }

        /** Mann and Whitney: the sum of the positives' ranks, those of equals averaged. */
        @Override
        public double value() {
            List<Scored> sorted = new ArrayList<>(all);
            sorted.sort(Comparator.comparingDouble(Scored::score));
            double ranks = 0;
            long positives = 0;
            for (int from = 0; from < sorted.size(); ) {
                int to = from;
                long equal = 0;
                while (to < sorted.size() && sorted.get(to).score == sorted.get(from).score) {
                    equal += sorted.get(to).positive ? 1 : 0;
                    to++;
                }
                to = Math.max(to, from + 1);
                ranks += equal * (from + 1 + to) / 2.0;
                positives += equal;
                from = to;
            }
            double negatives = sorted.size() - (double) positives;
            return (ranks - positives * (positives + 1.0) / 2) / (positives * negatives);
        }

        @Override
        public void save(State state) {
            state.put("scores", all.stream().mapToDouble(Scored::score).toArray());
            state.put(
                    "positives",
                    all.stream().mapToLong(one -> one.positive ? 1 : 0).toArray());
        }

        @Override
        public void load(State state) {
            double[] scores = state.numbers("scores");
            long[] positives = state.integers("positives");
            all.clear();
            for (int i = 0; i < scores.length; i++) {
                all.add(new Scored(scores[i], positives[i] == 1));
            }
        }
    }
}
