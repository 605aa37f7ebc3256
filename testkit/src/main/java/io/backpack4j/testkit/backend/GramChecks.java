// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.backend;

import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.testkit.backend.ConvolutionChecks.Channels;
import java.util.ArrayList;
import java.util.List;

/** Gram matrices of vectors, and of what lies under the windows of convolutions. */
record GramChecks(BackendComparison both) {

    private static final int AXES = 3;
    private static final double SCALE = -0.375;
    private static final int CASES = 4;

    void addsGramMatrices() {
        long[][] sizes = {
            {3, 1, 4, 5}, {2, 3, 5, 2}, {4, 2, 1, 3}, {1, 1, 1, 1}, {5, 1, 40, 33}, {0, 2, 3, 2}, {2, 1, 0, 3}
        };
        both.compare("Gram matrices", side -> {
            List<Tensor> results = new ArrayList<>();
            for (long[] bgsl : sizes) {
                Shape positionsFirst = Shape.of(bgsl);
                Shape positionsLast = Shape.of(bgsl[0], bgsl[1], bgsl[3], bgsl[2]);
                for (boolean summed : new boolean[] {false, true}) {
                    for (boolean first : new boolean[] {false, true}) {
                        Tensor x = side.tensor(first ? positionsFirst : positionsLast);
                        Tensor gram = side.symmetric(bgsl[1], bgsl[3]);
                        side.backend().products().addGram(x, first, summed, SCALE, gram);
                        results.add(gram);
                        Tensor overwritten = side.dirty(bgsl[1], bgsl[3], bgsl[3]);
                        side.backend().products().gram(x, first, summed, SCALE, overwritten);
                        results.add(overwritten);
                    }
                }
            }
            return results;
        });
    }

    void unfoldsTransposed() {
        for (int axes = 1; axes <= AXES; axes++) {
            int rank = axes;
            both.compare("outputs unfolded over " + axes + " axes", side -> {
                List<Tensor> results = new ArrayList<>();
                for (long samples : new long[] {1, 3, 0}) {
                    WindowCase sizes = WindowCase.random(side.random(), rank);
                    Channels channels = Channels.random(side.random());
                    long length = channels.out() * sizes.window().elements();
                    Tensor unfolded =
                            side.dirty(samples, channels.groups(), sizes.in().elements(), length);
                    side.backend()
                            .convolutions()
                            .unfoldTransposed(
                                    sizes.window(),
                                    side.tensor(sizes.outputs(samples, channels.allOut())),
                                    sizes.inputSizes(),
                                    unfolded);
                    results.add(unfolded);
                }
                return results;
            });
        }
    }

    void addsGramMatricesOfInputs() {
        for (int axes = 1; axes <= AXES; axes++) {
            int rank = axes;
            both.compare("Gram matrices of inputs over " + axes + " axes", side -> {
                List<Tensor> results = new ArrayList<>();
                for (long samples : new long[] {1, 3, 0}) {
                    WindowCase sizes = WindowCase.random(side.random(), rank);
                    Channels channels = Channels.random(side.random());
                    Tensor x = side.tensor(sizes.inputs(samples, channels.allIn()));
                    results.add(ofInputs(side, sizes, channels, x, false));
                    results.add(ofInputs(side, sizes, channels, x, true));
                }
                return results;
            });
        }
    }

    void addsGramMatricesOfOutputs() {
        for (int axes = 1; axes <= AXES; axes++) {
            int rank = axes;
            both.compare("Gram matrices of outputs over " + axes + " axes", side -> {
                List<Tensor> results = new ArrayList<>();
                for (long samples : new long[] {1, 3, 0}) {
                    WindowCase sizes = WindowCase.random(side.random(), rank);
                    Channels channels = Channels.random(side.random());
                    Tensor y = side.tensor(sizes.outputs(samples, channels.allOut()));
                    results.add(ofOutputs(side, sizes, channels, y, false));
                    results.add(ofOutputs(side, sizes, channels, y, true));
                }
                return results;
            });
        }
    }

    /** Windows that share what they see, of inputs in every order that a backend may keep them in. */
    void addsGramMatricesOfNeighbours() {
        for (int axes = 1; axes <= AXES; axes++) {
            int rank = axes;
            both.compare("Gram matrices of neighbours over " + axes + " axes", side -> {
                List<Tensor> results = new ArrayList<>();
                for (int i = 0; i < CASES; i++) {
                    WindowCase sizes = WindowCase.ofNeighbours(side.random(), rank);
                    Channels channels = new Channels(1, 1L + side.random().nextInt(5), 1);
                    long samples = 3L + i;
                    Tensor x = side.tensor(sizes.inputs(samples, channels.in()));
                    results.add(ofInputs(side, sizes, channels, x, false));
                    Tensor some = side.scope().rows(x, 1, samples - 1);
                    results.add(ofInputs(side, sizes, channels, some, false));
                    results.add(ofInputs(side, sizes, channels, convolved(side, sizes, channels, x), false));
                    results.add(ofInputs(side, sizes, channels, x, true));
                }
                return results;
            });
        }
    }

    /** So many vectors that a backend may work out half of the matrix only. */
    void addsGramMatricesOfManyVectors() {
        both.compareOnce("Gram matrices of many vectors", side -> {
            List<Tensor> results = new ArrayList<>();
            for (long[] bsl : new long[][] {{130, 1, 300}, {5, 30, 259}, {600, 1, 520}}) {
                Tensor x = side.tensor(bsl[0], 1, bsl[1], bsl[2]);
                Tensor gram = side.symmetric(1, bsl[2]);
                side.backend().products().addGram(x, true, false, SCALE, gram);
                results.add(gram);
                Tensor overwritten = side.dirty(1, bsl[2], bsl[2]);
                side.backend().products().gram(x, true, false, SCALE, overwritten);
                results.add(overwritten);
            }
            Tensor gram = side.symmetric(1, 260);
            side.backend().products().addGram(side.tensor(140, 1, 3, 260), true, true, SCALE, gram);
            results.add(gram);
            return results;
        });
    }

    /** The result of a convolution of the same shape: backends may keep it in an order of their own. */
    private static Tensor convolved(BackendSide side, WindowCase sizes, Channels channels, Tensor x) {
        WindowCase single = sizes.pointwise();
        Tensor weight = side.tensor(single.weight(channels.in(), channels.in()));
        Tensor y = side.dirty(x.shape());
        side.backend().convolutions().convolve(single.window(), x, weight, null, y);
        return y;
    }

    /** Unfolded, these samples take several megabytes. */
    void addsGramMatricesOfManySamples() {
        both.compareOnce("Gram matrices of many samples", side -> {
            WindowCase sizes = WindowCase.square(2, 3, 1, 1, 40);
            Channels channels = new Channels(1, 4, 3);
            return List.of(
                    ofInputs(side, sizes, channels, side.tensor(sizes.inputs(30, 4)), false),
                    ofOutputs(side, sizes, channels, side.tensor(sizes.outputs(30, 3)), false));
        });
    }

    private static Tensor ofInputs(BackendSide side, WindowCase sizes, Channels channels, Tensor x, boolean summed) {
        long length = channels.in() * sizes.window().elements();
        Tensor gram = side.symmetric(channels.groups(), length);
        side.backend().convolutions().addInputGram(sizes.window(), x, sizes.outputSizes(), summed, SCALE, gram);
        Tensor written = side.dirty(gram.shape());
        side.backend().convolutions().inputGram(sizes.window(), x, sizes.outputSizes(), summed, SCALE, false, written);
        side.backend().elementwise().addScaled(0.5, written, gram);
        return gram;
    }

    private static Tensor ofOutputs(BackendSide side, WindowCase sizes, Channels channels, Tensor y, boolean summed) {
        long length = channels.out() * sizes.window().elements();
        Tensor gram = side.symmetric(channels.groups(), length);
        side.backend().convolutions().addOutputGram(sizes.window(), y, sizes.inputSizes(), summed, SCALE, gram);
        return gram;
    }
}
