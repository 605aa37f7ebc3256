// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.laplace;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.training.data.BatchData;
import io.backpack4j.training.data.DataSource;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;

/**
 * How well predicted probabilities of classes agree with what happens.
 *
 * @param negativeLogLikelihood the mean of −log p of the true class, in nats
 * @param accuracy the fraction of samples whose most probable class is the true one
 * @param expectedError the expected calibration error: the mean of |accuracy − confidence| over the bins, weighted by
 *     their samples (Guo, Pleiss, Sun, Weinberger 2017)
 * @param bins of confidence, 15 of equal width, from 0 to 1: a reliability diagram
 */
public record Calibration(double negativeLogLikelihood, double accuracy, double expectedError, List<Bin> bins) {

    private static final int BINS = 15;

    /**
     * Samples with about the same confidence, the probability of the most probable class.
     *
     * @param confidence its mean; 0 without samples
     * @param accuracy the fraction of them that is right; 0 without samples
     */
    public record Bin(long samples, double confidence, double accuracy) {}

    public Calibration {
        bins = List.copyOf(bins);
    }

    /**
     * Of probabilities.
     *
     * @param probabilities {@code [N, C]}
     * @param classes the true ones
     */
    public static Calibration of(double[] probabilities, long[] classes) {
        if (classes.length == 0 || probabilities.length % classes.length != 0) {
            throw new BackpackException(
                    LaplaceProblems.INVALID_LAPLACE,
                    "%d probabilities do not fit %d classes: there must be as many for each sample, and at least one sample."
                            .formatted(probabilities.length, classes.length));
        }
        int outputs = probabilities.length / classes.length;
        long[] counts = new long[BINS];
        double[] confidences = new double[BINS];
        long[] right = new long[BINS];
        double likelihood = 0;
        for (int n = 0; n < classes.length; n++) {
            int best = 0;
            for (int c = 1; c < outputs; c++) {
                best = probabilities[n * outputs + c] > probabilities[n * outputs + best] ? c : best;
            }
            if (classes[n] < 0 || classes[n] >= outputs) {
                throw new BackpackException(
                        LaplaceProblems.INVALID_LAPLACE,
                        "Sample %d has class %d, but there are %d.".formatted(n, classes[n], outputs));
            }
            likelihood -= Math.log(probabilities[n * outputs + (int) classes[n]]);
            double confidence = probabilities[n * outputs + best];
            // Bins are open at the left, as in the literature: (k/15, (k+1)/15].
            int bin = Math.max(0, Math.min(BINS - 1, (int) Math.ceil(confidence * BINS) - 1));
            counts[bin]++;
            confidences[bin] += confidence;
            right[bin] += best == classes[n] ? 1 : 0;
        }
        return of(likelihood / classes.length, counts, confidences, right);
    }

    private static Calibration of(double likelihood, long[] counts, double[] confidences, long[] right) {
        List<Bin> bins = new ArrayList<>();
        long samples = LongStream.of(counts).sum();
        double error = 0;
        for (int i = 0; i < BINS; i++) {
            error += Math.abs(right[i] - confidences[i]) / samples;
            bins.add(new Bin(
                    counts[i],
                    counts[i] == 0 ? 0 : confidences[i] / counts[i],
                    counts[i] == 0 ? 0 : (double) right[i] / counts[i]));
        }
        return new Calibration(likelihood, (double) LongStream.of(right).sum() / samples, error, bins);
    }

    static Calibration of(
            Posterior posterior, BackPack backpack, Model model, DataSource data, int batch, Posterior.Link link) {
        if (posterior.likelihood() != Likelihood.CLASSIFICATION || batch < 1) {
            throw new BackpackException(
                    LaplaceProblems.INVALID_LAPLACE,
                    "Calibration is of classification, with batches of at least one sample; this is %s, with %d."
                            .formatted(posterior.likelihood(), batch));
        }
        int samples = Math.toIntExact(data.samples());
        int outputs = Math.toIntExact(model.outputShape().elements());
        double[] probabilities = new double[samples * outputs];
        long[] classes = new long[samples];
        for (int from = 0; from < samples; from += batch) {
            int count = Math.min(batch, samples - from);
            BatchData some = data.read(LongStream.range(from, from + count).toArray(), 1);
            try (Batch uploaded = some.upload(backpack, model.dtype())) {
                double[] found = link.probabilities(posterior.predict(uploaded));
                System.arraycopy(found, 0, probabilities, from * outputs, found.length);
                System.arraycopy(uploaded.targets().toLongArray(), 0, classes, from, count);
            }
        }
        return of(probabilities, classes);
    }

    /** The numbers, then a line per bin that has samples. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(
                "nll %.4f, accuracy %.4f, ece %.4f%n".formatted(negativeLogLikelihood, accuracy, expectedError));
        for (Bin bin : bins) {
            if (bin.samples() > 0) {
                text.append("confidence %.3f  accuracy %.3f  samples %d%n"
                        .formatted(bin.confidence(), bin.accuracy(), bin.samples()));
            }
        }
        return text.toString();
    }
}
