// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.djl;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import io.backpack4j.djl.ParameterPairs.ParameterPair;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Compares a pass with what DJL has computed of the same batch: outputs to a hundredth of the tolerance, for rectifiers
 * that flip move gradients and hardly outputs. An architecture, a loss or a mode that is another one does not get past
 * it.
 *
 * @param tolerance the largest ‖a − b‖ / ‖b‖ of a gradient
 */
record Comparison(double tolerance) {

    /** What rounding leaves of a gradient that is zero, as of a bias before a batch norm, by the network's gradient. */
    private static final double ROUNDING = 1e-5;

    /** Squares of norms of one parameter's gradients, and their inner product. */
    private record Sums(ParameterPair pair, double difference, double theirs, double ours, double product) {

        boolean isWithin(double tolerance, double network) {
            double norm = Math.sqrt(difference);
            return norm <= tolerance * Math.sqrt(theirs) || norm <= ROUNDING * network;
        }

        /** What theirs would have to be multiplied by. */
        double factor() {
            return product / theirs;
        }
    }

    /** Compares outputs. */
    void outputs(NDList predictions, Results results) {
        if (predictions.size() != 1) {
            throw new BackpackException(
                    DjlProblems.OUTPUTS_DIFFER,
                    "DJL's network has %d outputs, the model has one. Put the loss on one of them in both."
                            .formatted(predictions.size()));
        }
        Tensor output = results.output();
        NDArray prediction = predictions.get(0);
        double[] theirs = ArrayReader.reals(prediction, "The output of DJL's network");
        double[] ours = output.toDoubleArray();
        if (ours.length != theirs.length) {
            throw new BackpackException(
                    DjlProblems.OUTPUTS_DIFFER,
                    "DJL's network has an output of shape %s, the model one of shape %s. Give the model DJL's architecture."
                            .formatted(ArrayReader.shape(prediction), output.shape()));
        }
        double difference = 0;
        double square = 0;
        double squareOfOurs = 0;
        for (int i = 0; i < ours.length; i++) {
            difference += (ours[i] - theirs[i]) * (ours[i] - theirs[i]);
            square += theirs[i] * theirs[i];
            squareOfOurs += ours[i] * ours[i];
        }
        double allowed = tolerance / 100;
        if (!(difference <= allowed * allowed * square) && !areBothUndefined(squareOfOurs, square)) {
            throw new BackpackException(
                    DjlProblems.OUTPUTS_DIFFER,
                    "With DJL's parameters and batch the model's output is off DJL's by %s of its norm; %s is allowed. Some layer is another one, works in another mode, draws at random as Dropout does, or has parameters of equal shape in another order."
                            .formatted(number(Math.sqrt(difference / square)), number(allowed)));
        }
    }

    /** Compares gradients. */
    void gradients(ParameterPairs pairs, Results results) {
        List<Sums> all = new ArrayList<>();
        double square = 0;
        for (ParameterPair pair : pairs.pairs()) {
            if (pair.trained()) {
                Sums sums = sums(pair, results.gradient(pair.name()));
                all.add(sums);
                square += sums.theirs;
            }
        }
        double network = Math.sqrt(square);
        List<Sums> off = all.stream()
                .filter(each -> !each.isWithin(tolerance, network))
                .filter(each -> !areBothUndefined(each.theirs, each.ours))
                .toList();
        if (!off.isEmpty()) {
            throw new BackpackException(DjlProblems.GRADIENTS_DIFFER, message(off, all, network));
        }
    }

    private static Sums sums(ParameterPair pair, Tensor gradient) {
        double[] ours = gradient.toDoubleArray();
        double[] theirs;
        try (NDArray array = pair.theirs().getArray().getGradient()) {
            theirs = ArrayReader.reals(array, "DJL's gradient of " + pair);
        }
        double difference = 0;
        double squareOfTheirs = 0;
        double squareOfOurs = 0;
        double product = 0;
        for (int i = 0; i < ours.length; i++) {
            difference += (ours[i] - theirs[i]) * (ours[i] - theirs[i]);
            squareOfTheirs += theirs[i] * theirs[i];
            squareOfOurs += ours[i] * ours[i];
            product += ours[i] * theirs[i];
        }
        return new Sums(pair, difference, squareOfTheirs, squareOfOurs, product);
    }

    private String message(List<Sums> off, List<Sums> all, double network) {
        Sums first = off.get(0);
        String more = off.size() == 1 ? "" : ", and %d more of %d parameters".formatted(off.size() - 1, all.size());
        String what = first.theirs == 0
                ? "is zero in DJL and has the norm %s in the model".formatted(number(Math.sqrt(first.ours)))
                : "differs by %s of its norm; %s is allowed"
                        .formatted(number(Math.sqrt(first.difference / first.theirs)), number(tolerance));
        return "The gradient of %s %s%s. %s".formatted(first.pair, what, more, cause(off, all, network));
    }

    /** What explains it. */
    private String cause(List<Sums> off, List<Sums> all, double network) {
        if (network == 0) {
            return "All of DJL's gradients are zero: a listener before this one, or the loop, has reset them.";
        }
        double factor = off.get(0).factor();
        boolean isFactor = off.size() == all.size()
                && all.stream()
                        .allMatch(each -> Math.abs(each.factor() - factor) <= tolerance * Math.abs(factor)
                                && each.product * each.product >= (1 - tolerance) * each.theirs * each.ours);
        return isFactor
                ? "The model's gradients are DJL's times %s: the loss is weighted or reduced in another way, as DJL's L2Loss is unless its weight is 1."
                        .formatted(number(factor))
                : "The outputs agree: the losses differ, DJL's has further terms, gradients have added up over batches without a step of the trainer, or a part of DJL's network takes no gradients.";
    }

    /** Whether both are not finite: a run that has diverged, which is DJL's to report and the cockpit's to show. */
    private static boolean areBothUndefined(double a, double b) {
        return !Double.isFinite(a) && !Double.isFinite(b);
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, "%.3g", value);
    }
}
