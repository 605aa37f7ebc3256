// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.report;

import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeMap;

/**
 * How surprised a model is by each character of a text: losses are −log p, in nats.
 *
 * @param mean the mean over all characters
 * @param passages stretches of the text
 * @param characters the mean for each character, the greatest first
 * @param surprising the characters of the greatest losses, the greatest first
 */
public record Surprises(
        double mean, List<Passage> passages, List<CharacterMean> characters, List<Surprise> surprising) {

    private static final int MOST_PASSAGES = 16;
    private static final int MOST_SURPRISING = 24;
    private static final int CONTEXT = 24;

    /**
     * A stretch of the text.
     *
     * @param index its sample's place in the batch
     * @param text its characters
     * @param losses one per character
     */
    @SuppressWarnings("ArrayRecordComponent")
    public record Passage(int index, String text, double[] losses) {}

    /**
     * What a character's places have in common.
     *
     * @param character which one
     * @param count how often it was to be predicted
     * @param mean the mean of its losses
     */
    public record CharacterMean(String character, int count, double mean) {}

    /**
     * A character that was not expected.
     *
     * @param index its sample's place in the batch
     * @param before what the model saw right before it
     * @param character which one
     * @param loss its loss
     * @param probability that the model gave it
     * @param expected the character that was thought most probable
     * @param expectedProbability the probability of that one
     */
    public record Surprise(
            int index,
            String before,
            String character,
            double loss,
            double probability,
            String expected,
            double expectedProbability) {}

    /**
     * Reads what is shown.
     *
     * @param inputs the characters that the model saw, per sample
     * @param targets the characters that were to be predicted, each behind the input's at its place
     * @param alphabet the character of every class
     * @param output logits, {@code [N, C, T]}
     */
    public static Surprises of(List<String> inputs, List<String> targets, String alphabet, Tensor output) {
        Shape shape = output.shape();
        int classes = Math.toIntExact(shape.size(1));
        int length = Math.toIntExact(shape.size(2));
        List<Passage> passages = new ArrayList<>();
        List<Surprise> all = new ArrayList<>();
        TreeMap<String, double[]> sums = new TreeMap<>();
        double total = 0;
        double[] logits = new double[classes * length];
        for (int n = 0; n < targets.size(); n++) {
            output.read((long) n * logits.length, logits, 0, logits.length);
            String target = targets.get(n);
            double[] losses = new double[length];
            for (int t = 0; t < length; t++) {
                double[] logProbabilities = logProbabilities(logits, classes, length, t);
                String character = target.substring(t, t + 1);
                double loss = -logProbabilities[alphabet.indexOf(character)];
                int expected = largest(logProbabilities);
                losses[t] = loss;
                total += loss;
                double[] sum = sums.computeIfAbsent(character, key -> new double[2]);
                sum[0] += loss;
                sum[1]++;
                all.add(new Surprise(
                        n,
                        inputs.get(n).substring(Math.max(0, t + 1 - CONTEXT), t + 1),
                        character,
                        Rounding.round(loss),
                        Rounding.round(Math.exp(-loss)),
                        alphabet.substring(expected, expected + 1),
                        Rounding.round(Math.exp(logProbabilities[expected]))));
            }
            if (n < MOST_PASSAGES) {
                passages.add(new Passage(n, target, Rounding.round(losses)));
            }
        }
        return new Surprises(
                Rounding.round(total / all.size()),
                passages,
                means(sums),
                all.stream()
                        .sorted(Comparator.comparingDouble(Surprise::loss).reversed())
                        .limit(MOST_SURPRISING)
                        .toList());
    }

    private static double[] logProbabilities(double[] logits, int classes, int length, int place) {
        double greatest = Double.NEGATIVE_INFINITY;
        for (int c = 0; c < classes; c++) {
            greatest = Math.max(greatest, logits[c * length + place]);
        }
        double sum = 0;
        for (int c = 0; c < classes; c++) {
            sum += Math.exp(logits[c * length + place] - greatest);
        }
        double[] result = new double[classes];
        for (int c = 0; c < classes; c++) {
            result[c] = logits[c * length + place] - greatest - Math.log(sum);
        }
        return result;
    }

    private static int largest(double[] values) {
        int largest = 0;
        for (int i = 1; i < values.length; i++) {
            if (values[i] > values[largest]) {
                largest = i;
            }
        }
        return largest;
    }

    private static List<CharacterMean> means(TreeMap<String, double[]> sums) {
        return sums.entrySet().stream()
                .map(entry -> new CharacterMean(
                        entry.getKey(),
                        (int) entry.getValue()[1],
                        Rounding.round(entry.getValue()[0] / entry.getValue()[1])))
                .sorted(Comparator.comparingDouble(CharacterMean::mean).reversed())
                .toList();
    }
}
