// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.backend;

import io.backpack4j.spi.backend.PerSampleConvolution;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Convolutions at random windows over one to three axes, with groups. */
record ConvolutionChecks(BackendComparison both) {

    private static final int AXES = 3;

    /** Channels of a group and their number. */
    record Channels(long groups, long in, long out) {

        static Channels random(Random random) {
            return new Channels(1L + random.nextInt(3), 1L + random.nextInt(3), 1L + random.nextInt(3));
        }

        long allIn() {
            return groups * in;
        }

        long allOut() {
            return groups * out;
        }
    }

    void unfoldsAndFolds() {
        for (int axes = 1; axes <= AXES; axes++) {
            int rank = axes;
            both.compare("unfold and fold over " + axes + " axes", side -> {
                var convolutions = side.backend().convolutions();
                List<Tensor> results = new ArrayList<>();
                for (long samples : new long[] {1, 3, 0}) {
                    WindowCase sizes = WindowCase.random(side.random(), rank);
                    Channels channels = Channels.random(side.random());
                    Shape inputs = sizes.inputs(samples, channels.allIn());
                    Shape columns = Shape.of(
                            samples,
                            channels.groups,
                            sizes.out().elements(),
                            channels.in * sizes.window().elements());
                    Tensor unfolded = side.dirty(columns);
                    convolutions.unfold(sizes.window(), side.tensor(inputs), sizes.outputSizes(), unfolded);
                    Tensor folded = side.dirty(inputs);
                    convolutions.fold(sizes.window(), side.tensor(columns), sizes.outputSizes(), folded);
                    results.addAll(List.of(unfolded, folded));
                }
                return results;
            });
        }
    }

    void convolves() {
        for (int axes = 1; axes <= AXES; axes++) {
            int rank = axes;
            both.compare("convolutions over " + axes + " axes", side -> {
                List<Tensor> results = new ArrayList<>();
                for (long samples : new long[] {1, 4, 0}) {
                    WindowCase sizes = WindowCase.random(side.random(), rank);
                    Channels channels = Channels.random(side.random());
                    convolve(side, sizes, channels, samples, false, results);
                    convolve(side, sizes, channels, samples, true, results);
                }
                return results;
            });
        }
    }

    /** Unfolded, these inputs take several megabytes. */
    void convolvesManySamples() {
        both.compareOnce("convolutions of many samples", side -> {
            List<Tensor> results = new ArrayList<>();
            WindowCase sizes = WindowCase.square(2, 3, 1, 1, 44);
            convolve(side, sizes, new Channels(2, 4, 2), 5, true, results);
            return results;
        });
    }

    private static void convolve(
            BackendSide side, WindowCase sizes, Channels channels, long samples, boolean biased, List<Tensor> results) {
        var convolutions = side.backend().convolutions();
        Shape inputs = sizes.inputs(samples, channels.allIn());
        Shape outputs = sizes.outputs(samples, channels.allOut());
        Tensor weight = side.tensor(sizes.weight(channels.allOut(), channels.in));
        Tensor to = side.dirty(outputs);
        Tensor bias = biased ? side.tensor(channels.allOut()) : null;
        convolutions.convolve(sizes.window(), side.tensor(inputs), weight, bias, to);
        Tensor back = side.dirty(inputs);
        Tensor backBias = biased ? side.tensor(channels.allIn()) : null;
        convolutions.convolveTransposed(sizes.window(), side.tensor(outputs), weight, backBias, back);
        results.addAll(List.of(to, back));
    }

    void contractsConvolutions() {
        for (int axes = 1; axes <= AXES; axes++) {
            int rank = axes;
            both.compare("contracted convolutions over " + axes + " axes", side -> {
                List<Tensor> results = new ArrayList<>();
                for (int columns : new int[] {1, -3, 3}) {
                    PerSampleConvolution product =
                            product(side, rank, columns, 1L + side.random().nextInt(3));
                    List<TileConsumer> together = consumers(side, product);
                    side.backend().convolutions().contract(product, together);
                    List<TileConsumer> alone = consumers(side, product);
                    for (TileConsumer consumer : alone) {
                        side.backend().convolutions().contract(product, List.of(consumer));
                    }
                    side.backend().convolutions().contract(product, List.of());
                    for (List<TileConsumer> consumers : List.of(together, alone)) {
                        consumers.forEach(consumer -> results.add(consumer.destination()));
                    }
                }
                return results;
            });
        }
        both.compare("contracted convolutions of no samples", side -> {
            PerSampleConvolution product = product(side, 2, 1, 0);
            List<TileConsumer> consumers = consumers(side, product);
            side.backend().convolutions().contract(product, consumers);
            return consumers.stream().map(TileConsumer::destination).toList();
        });
    }

    private static List<TileConsumer> consumers(BackendSide side, PerSampleConvolution product) {
        return TileChecks.consumers(side, product.batch(), Math.max(1, product.samples()), product.weight());
    }

    void sumsConvolutions() {
        for (int axes = 1; axes <= AXES; axes++) {
            int rank = axes;
            both.compare("summed convolutions over " + axes + " axes", side -> {
                List<Tensor> results = new ArrayList<>();
                for (int columns : new int[] {1, -2, 3}) {
                    for (long samples : new long[] {1, 4, 0}) {
                        PerSampleConvolution product = product(side, rank, columns, samples);
                        long batch = product.batch();
                        for (long runs : new long[] {1, Math.abs(columns), Math.max(1, batch)}) {
                            Tensor sum = side.tensor(product.weight().prepend(runs));
                            side.backend().convolutions().sum(product, sum);
                            results.add(sum);
                            Tensor written = side.dirty(product.weight().prepend(runs));
                            side.backend().convolutions().sum(product, false, written);
                            results.add(written);
                        }
                        if (batch > 0 && batch % 2 == 0) {
                            Tensor halves = side.tensor(product.weight().prepend(2));
                            side.backend().convolutions().sum(product, halves);
                            results.add(halves);
                        }
                    }
                }
                return results;
            });
        }
        both.compareOnce("summed convolutions of many samples", side -> {
            WindowCase sizes = WindowCase.square(2, 3, 1, 1, 44);
            Tensor inputs = side.tensor(sizes.inputs(8, 8));
            Tensor outputs = side.tensor(sizes.outputs(8, 4));
            Shape weight = sizes.weight(4, 4);
            Tensor sum = side.tensor(weight.prepend(1));
            side.backend().convolutions().sum(new PerSampleConvolution(sizes.window(), outputs, inputs, weight), sum);
            return List.of(sum);
        });
    }

    /** Few positions with many channels and the other way round: both ways to the norms. */
    void takesNormsOfConvolutions() {
        for (int axes = 1; axes <= AXES; axes++) {
            int rank = axes;
            both.compare("norms of convolutions over " + axes + " axes", side -> {
                List<Tensor> results = new ArrayList<>();
                for (int columns : new int[] {1, -2, 3}) {
                    for (long samples : new long[] {1, 3, 0}) {
                        results.add(norms(side, product(side, rank, columns, samples)));
                    }
                }
                return results;
            });
        }
        both.compare("norms of convolutions with few positions", side -> {
            List<Tensor> results = new ArrayList<>();
            for (int columns : new int[] {1, -2, 3}) {
                for (long samples : new long[] {1, 3, 0}) {
                    WindowCase sizes = WindowCase.square(2, 3, 1, 0, 4);
                    PerSampleConvolution product = product(side, sizes, new Channels(2, 3, 7), columns, samples);
                    if (!product.prefersGram()) {
                        throw new AssertionError("This product is meant to prefer inner products");
                    }
                    results.add(norms(side, product));
                }
            }
            return results;
        });
    }

    private static Tensor norms(BackendSide side, PerSampleConvolution product) {
        Tensor norms = side.dirty(product.batch());
        side.backend().convolutions().squaredNorms(product, norms);
        return norms;
    }

    private static PerSampleConvolution product(BackendSide side, int axes, int columns, long samples) {
        WindowCase sizes = WindowCase.random(side.random(), axes);
        return product(side, sizes, Channels.random(side.random()), columns, samples);
    }

    /** Columns of outputs, or of inputs if there are fewer than none. */
    private static PerSampleConvolution product(
            BackendSide side, WindowCase sizes, Channels channels, int columns, long samples) {
        Tensor outputs = side.tensor(sizes.outputs(Math.max(1, columns) * samples, channels.allOut()));
        Tensor inputs = side.tensor(sizes.inputs(Math.max(1, -columns) * samples, channels.allIn()));
        return new PerSampleConvolution(sizes.window(), outputs, inputs, sizes.weight(channels.allOut(), channels.in));
    }
}
