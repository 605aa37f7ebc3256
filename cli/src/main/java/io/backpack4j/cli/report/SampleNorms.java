// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.report;

import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The norms of individual gradients.
 *
 * @param counts how many norms each bin of the histogram has
 * @param least the least norm, where the first bin starts
 * @param median the middle norm
 * @param greatest the greatest norm, where the last bin ends
 * @param points samples as pairs of loss and norm
 * @param classes the classes, empty if targets are no classes
 * @param unusual the samples of the greatest norms, greatest first
 * @param ordinary the samples of the least norms, least first
 * @param height rows of pixels, 0 if samples are no images
 * @param width columns of pixels, 0 if samples are no images
 */
@SuppressWarnings("ArrayRecordComponent")
public record SampleNorms(
        int[] counts,
        double least,
        double median,
        double greatest,
        List<double[]> points,
        List<ClassMean> classes,
        List<Sample> unusual,
        List<Sample> ordinary,
        int height,
        int width) {

    private static final int BINS = 32;
    private static final int SHOWN = 12;
    private static final int MOST_POINTS = 1500;
    private static final int MOST_CLASSES = 100;

    /**
     * The samples of one class.
     *
     * @param label the class
     * @param samples how many there are
     * @param mean the mean of their norms
     */
    public record ClassMean(long label, int samples, double mean) {}

    /**
     * One sample.
     *
     * @param index its place in the batch
     * @param label its class, null if targets are no classes
     * @param norm the norm of its gradient
     * @param loss its loss
     * @param pixels its picture as grey levels, null if it is none
     * @param text its characters, null if it has none
     */
    @SuppressWarnings("ArrayRecordComponent")
    public record Sample(
            int index,
            @Nullable Long label,
            double norm,
            double loss,
            int @Nullable [] pixels,
            @Nullable String text) {}

    /**
     * Reads what is needed.
     *
     * @param norms the norm of every sample's gradient
     * @param losses every sample's loss
     * @param targets class indices {@code [N]}, or something else
     * @param inputs the samples
     * @param pixels their size, null if they are no images
     * @param texts the characters of each, or nothing
     */
    public static SampleNorms of(
            double[] norms,
            double[] losses,
            Tensor targets,
            Tensor inputs,
            @Nullable Pixels pixels,
            List<String> texts) {
        int count = norms.length;
        long[] labels = targets.dtype() == DType.INT64 && targets.shape().elements() == count
                ? targets.toLongArray()
                : new long[0];
        double[] sorted = norms.clone();
        Arrays.sort(sorted);
        List<Integer> order = IntStream.range(0, count)
                .boxed()
                .sorted(Comparator.comparingDouble(index -> norms[index]))
                .toList();
        List<Sample> unusual = new ArrayList<>();
        List<Sample> ordinary = new ArrayList<>();
        for (int i = 0; i < Math.min(SHOWN, count / 2); i++) {
            unusual.add(sample(order.get(count - 1 - i), norms, losses, labels, inputs, pixels, texts));
            ordinary.add(sample(order.get(i), norms, losses, labels, inputs, pixels, texts));
        }
        return new SampleNorms(
                histogram(sorted),
                Rounding.round(sorted[0]),
                Rounding.round((sorted[(count - 1) / 2] + sorted[count / 2]) / 2),
                Rounding.round(sorted[count - 1]),
                points(norms, losses),
                classes(norms, labels),
                unusual,
                ordinary,
                pixels == null ? 0 : pixels.height(),
                pixels == null ? 0 : pixels.width());
    }

    private static Sample sample(
            int index,
            double[] norms,
            double[] losses,
            long[] labels,
            Tensor inputs,
            @Nullable Pixels pixels,
            List<String> texts) {
        return new Sample(
                index,
                labels.length == 0 ? null : labels[index],
                Rounding.round(norms[index]),
                Rounding.round(losses[index]),
                pixels == null ? null : pixels.sample(inputs, index),
                texts.isEmpty() ? null : texts.get(index));
    }

    private static int[] histogram(double[] sorted) {
        double least = sorted[0];
        double range = sorted[sorted.length - 1] - least;
        int[] counts = new int[range > 0 ? BINS : 1];
        for (double norm : sorted) {
            counts[range > 0 ? (int) Math.min(BINS - 1, (norm - least) / range * BINS) : 0]++;
        }
        return counts;
    }

    private static List<double[]> points(double[] norms, double[] losses) {
        int step = (norms.length + MOST_POINTS - 1) / MOST_POINTS;
        List<double[]> points = new ArrayList<>();
        for (int i = 0; i < norms.length; i += step) {
            points.add(new double[] {Rounding.round(losses[i]), Rounding.round(norms[i])});
        }
        return points;
    }

    private static List<ClassMean> classes(double[] norms, long[] labels) {
        TreeMap<Long, double[]> sums = new TreeMap<>();
        for (int i = 0; i < labels.length; i++) {
            double[] sum = sums.computeIfAbsent(labels[i], label -> new double[2]);
            sum[0] += norms[i];
            sum[1]++;
        }
        return sums.size() > MOST_CLASSES
                ? List.of()
                : sums.entrySet().stream()
                        .map(entry -> new ClassMean(
                                entry.getKey(),
                                (int) entry.getValue()[1],
                                Rounding.round(entry.getValue()[0] / entry.getValue()[1])))
                        .toList();
    }
}
