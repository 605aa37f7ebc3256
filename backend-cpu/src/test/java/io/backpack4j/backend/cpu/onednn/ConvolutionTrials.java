// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import java.util.Arrays;
import java.util.Optional;
import java.util.Random;

/**
 * Trials of the primitives of {@link ConvolutionRecipes}, as {@link DnnlConvolutions} and {@link DnnlPooling} choose
 * them.
 */
final class ConvolutionTrials {

    private ConvolutionTrials() {}

    static Optional<DnnlTrial> forward(Random random) {
        return forward(random, WindowTrials.random(random, false));
    }

    static Optional<DnnlTrial> forward(Random random, WindowTrials of) {
        ConvolutionSizes sizes = of.sizes();
        if (!sizes.isExpressible() || DnnlFaults.convolutionReadsOtherRows(sizes)) {
            return Optional.empty();
        }
        boolean biased = random.nextBoolean();
        var trial = new DnnlTrial("convolution", of + (biased ? " with bias" : ""));
        DnnlPrimitive primitive = ConvolutionRecipes.forward(sizes, biased);
        if (!primitive.usable()) {
            primitive.close();
            return Optional.empty();
        }
        float[] x = of.randomInputs(random);
        float[] w = of.randomWeights(random);
        float[] bias = TrialNumbers.numbers(random, of.outputs);
        double[] sums = TrialNumbers.filled(of.outputShape().elements(), 0);
        double[] magnitudes = sums.clone();
        for (int i = 0; i < sums.length && biased; i++) {
            sums[i] = bias[i % of.outputs];
            magnitudes[i] = Math.abs(bias[i % of.outputs]);
        }
        of.visit((input, weight, output) -> {
            double product = (double) x[input] * w[weight];
            sums[output] += product;
            magnitudes[output] += Math.abs(product);
        });
        var ordered = trial.opaque("ordered weights", primitive.bytes(1));
        trial.step(
                ConvolutionRecipes.weightsTo(sizes.weightLayout(), primitive, 1), trial.given("weights", w), ordered);
        var inputs = trial.given("inputs", x);
        var outputs = trial.made("outputs", sums, magnitudes);
        return Optional.of(
                biased
                        ? trial.step(primitive, inputs, ordered, trial.given("bias", bias), outputs)
                        : trial.step(primitive, inputs, ordered, outputs));
    }

    static Optional<DnnlTrial> backwardData(Random random) {
        return backwardData(random, WindowTrials.random(random, false));
    }

    static Optional<DnnlTrial> roundedBackwardData(Random random) {
        return backwardData(random, WindowTrials.random(random, false), true);
    }

    static Optional<DnnlTrial> backwardData(Random random, WindowTrials of) {
        return backwardData(random, of, false);
    }

    private static Optional<DnnlTrial> backwardData(Random random, WindowTrials of, boolean rounded) {
        ConvolutionSizes sizes = of.sizes().rounded(rounded);
        if (!sizes.isExpressible() || fails(sizes)) {
            return Optional.empty();
        }
        DnnlPrimitive primitive = ConvolutionRecipes.backwardData(sizes);
        if (!primitive.usable()) {
            primitive.close();
            return Optional.empty();
        }
        float[] y = numbers(of.randomOutputs(random), rounded);
        float[] w = numbers(of.randomWeights(random), rounded);
        double[] sums = TrialNumbers.filled(of.inputShape().elements(), 0);
        double[] magnitudes = sums.clone();
        of.visit((input, weight, output) -> {
            double product = (double) y[output] * w[weight];
            sums[input] += product;
            magnitudes[input] += Math.abs(product);
        });
        var trial = new DnnlTrial("transposed convolution", of.toString());
        var ordered = trial.opaque("ordered weights", primitive.bytes(1));
        trial.step(
                ConvolutionRecipes.weightsTo(sizes.weightLayout(), primitive, 1), trial.given("weights", w), ordered);
        var cotangents = trial.given("cotangents", y, rounded);
        return Optional.of(trial.step(primitive, cotangents, ordered, trial.made("inputs", sums, magnitudes)));
    }

    static Optional<DnnlTrial> backwardWeights(Random random) {
        return backwardWeights(random, WindowTrials.random(random, false));
    }

    static Optional<DnnlTrial> roundedBackwardWeights(Random random) {
        return backwardWeights(random, WindowTrials.random(random, false), true);
    }

    static Optional<DnnlTrial> backwardWeights(Random random, WindowTrials of) {
        return backwardWeights(random, of, false);
    }

    private static Optional<DnnlTrial> backwardWeights(Random random, WindowTrials of, boolean rounded) {
        ConvolutionSizes sizes = of.sizes().rounded(rounded);
        if (!sizes.isExpressible() || DnnlFaults.weightGradientFails(sizes) || fails(sizes)) {
            return Optional.empty();
        }
        DnnlPrimitive primitive = ConvolutionRecipes.backwardWeights(sizes);
        if (!primitive.usable()) {
            primitive.close();
            return Optional.empty();
        }
        float[] x = numbers(of.randomInputs(random), rounded);
        float[] y = numbers(of.randomOutputs(random), rounded);
        double[] sums = TrialNumbers.filled(of.weightShape().elements(), 0);
        double[] magnitudes = sums.clone();
        of.visit((input, weight, output) -> {
            double product = (double) x[input] * y[output];
            sums[weight] += product;
            magnitudes[weight] += Math.abs(product);
        });
        var trial = new DnnlTrial("weight gradient", of.toString());
        var tile = trial.opaque("tile", primitive.bytes(2));
        var inputs = trial.given("inputs", x, rounded);
        var cotangents = trial.given("cotangents", y, rounded);
        trial.step(primitive, inputs, cotangents, tile);
        trial.step(
                ConvolutionRecipes.weightsFrom(primitive, 2, sizes.weightLayout()),
                tile,
                trial.made("weights", sums, magnitudes));
        return Optional.of(trial);
    }

    private static boolean fails(ConvolutionSizes sizes) {
        return sizes.rounded() && DnnlFaults.roundingFails(sizes.windows());
    }

    private static float[] numbers(float[] drawn, boolean rounded) {
        return rounded ? TrialNumbers.cut(drawn) : drawn;
    }

    /** Maxima, and cotangents that go back to their places; no two elements are equal. */
    static Optional<DnnlTrial> maximum(Random random) {
        WindowTrials of = WindowTrials.random(random, true);
        WindowSizes sizes = WindowSizes.of(of.window, of.batch, of.inputShape(), of.outputShape());
        if (!sizes.isExpressible()) {
            return Optional.empty();
        }
        DnnlPrimitive primitive = ConvolutionRecipes.maximum(sizes, of.inputs);
        DnnlPrimitive back = ConvolutionRecipes.scatter(sizes, of.inputs);
        if (!primitive.usable() || !back.usable()) {
            primitive.close();
            back.close();
            return Optional.empty();
        }
        float[] x = of.randomInputs(random);
        float[] y = of.randomOutputs(random);
        double[] maxima = TrialNumbers.filled(y.length, Double.NEGATIVE_INFINITY);
        int[] places = new int[y.length];
        int outPositions = WindowTrials.product(of.out);
        for (int i = 0; i < y.length; i++) {
            int position = i / of.outputs % outPositions;
            for (int element = 0; element < of.window.elements(); element++) {
                int from = of.input(position, element);
                int n = i / of.outputs / outPositions;
                int place = (n * WindowTrials.product(of.in) + from) * of.inputs + i % of.outputs;
                if (from >= 0 && x[place] > maxima[i]) {
                    maxima[i] = x[place];
                    places[i] = place;
                }
            }
        }
        double[] sums = TrialNumbers.filled(x.length, 0);
        double[] magnitudes = sums.clone();
        for (int i = 0; i < y.length; i++) {
            sums[places[i]] += y[i];
            magnitudes[places[i]] += Math.abs(y[i]);
        }
        var trial = new DnnlTrial("maximum", of.toString());
        var workspace = trial.opaque("places", Math.max(primitive.bytes(2), back.bytes(1)));
        double[] exact = new double[maxima.length];
        Arrays.fill(exact, 0);
        trial.step(primitive, trial.given("inputs", x), trial.made("maxima", maxima, exact), workspace);
        return Optional.of(
                trial.step(back, trial.given("cotangents", y), workspace, trial.made("scattered", sums, magnitudes)));
    }
}
