// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import io.backpack4j.backend.cpu.memory.GuardedMemory;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;

/** Trials of matrix products, with what follows them, and of the sums that are made by them. */
final class ProductTrials {

    private static final long MOST_WORK = 2_000_000;

    private ProductTrials() {}

    /** Sizes of a product; long ones are rare. */
    private static final class Sizes {

        final int m;
        final int n;
        final int k;

        Sizes(Random random, int batch) {
            int[] drawn = new int[3];
            do {
                for (int i = 0; i < drawn.length; i++) {
                    drawn[i] = TrialNumbers.size(random, random.nextInt(8) == 0 ? 2000 : 130);
                }
            } while ((long) batch * drawn[0] * drawn[1] * drawn[2] > MOST_WORK);
            m = drawn[0];
            n = drawn[1];
            k = drawn[2];
        }
    }

    /** Operands of batches of products, with axes of one where a batch is shared, and their sums. */
    private static final class Product {

        final Layout a;
        final Layout b;
        final Layout c;
        final float[] left;
        final float[] right;
        final double[] sums;
        final double[] magnitudes;

        Product(Random random, Layout a, Layout b, Layout c) {
            this(random, a, b, c, false);
        }

        Product(Random random, Layout a, Layout b, Layout c, boolean rounded) {
            this.a = a.rounded(rounded);
            this.b = b.rounded(rounded);
            this.c = c;
            left = rounded ? TrialNumbers.cut(TrialNumbers.spread(random, a)) : TrialNumbers.spread(random, a);
            right = rounded ? TrialNumbers.cut(TrialNumbers.spread(random, b)) : TrialNumbers.spread(random, b);
            sums = TrialNumbers.filled(TrialNumbers.span(c), Double.NaN);
            magnitudes = sums.clone();
            int last = c.sizes().length - 1;
            long m = c.sizes()[last - 1];
            long n = c.sizes()[last];
            long k = a.sizes()[last];
            long batch = last == 1 ? 1 : c.sizes()[0];
            for (long item = 0; item < batch; item++) {
                long itemA = last == 1 || a.sizes()[0] == 1 ? 0 : item;
                long itemB = last == 1 || b.sizes()[0] == 1 ? 0 : item;
                for (long i = 0; i < m; i++) {
                    for (long j = 0; j < n; j++) {
                        double sum = 0;
                        double magnitude = 0;
                        for (long l = 0; l < k; l++) {
                            double product = (double) left[TrialNumbers.place(a, (itemA * m + i) * k + l)]
                                    * right[TrialNumbers.place(b, (itemB * k + l) * n + j)];
                            sum += product;
                            magnitude += Math.abs(product);
                        }
                        int place = TrialNumbers.place(c, (item * m + i) * n + j);
                        sums[place] = sum;
                        magnitudes[place] = magnitude;
                    }
                }
            }
        }

        static Product random(Random random, boolean rounded) {
            int batch = TrialNumbers.one(random, 1, 1, 2, 3, 8);
            Sizes of = new Sizes(random, batch);
            int shared = random.nextInt(3);
            boolean transposeA = random.nextBoolean();
            boolean transposeB = random.nextBoolean();
            return new Product(
                    random,
                    DnnlProducts.operand(batch, shared == 1 ? 1 : batch, of.m, of.k, transposeA),
                    DnnlProducts.operand(batch, shared == 2 ? 1 : batch, of.k, of.n, transposeB),
                    DnnlProducts.operand(batch, batch, of.m, of.n, false),
                    rounded);
        }

        /** What is in the destination before. */
        float[] old(Random random) {
            float[] old = TrialNumbers.numbers(random, sums.length);
            for (int i = 0; i < old.length; i++) {
                old[i] = Double.isNaN(sums[i]) ? Float.NaN : old[i];
            }
            return old;
        }

        @Override
        public String toString() {
            return "%s · %s -> %s".formatted(text(a), text(b), text(c));
        }
    }

    static String text(Layout layout) {
        List<String> axes = new ArrayList<>();
        for (int axis = 0; axis < layout.sizes().length; axis++) {
            axes.add(layout.sizes()[axis] + ":" + layout.strides()[axis]);
        }
        return axes.toString();
    }

    static Optional<DnnlTrial> matmul(Random random) {
        return matmul(random, Product.random(random, false));
    }

    static Optional<DnnlTrial> rounded(Random random) {
        return matmul(random, random.nextBoolean() ? Product.random(random, true) : strided(random, true));
    }

    /** Rows some distance apart, as of single tiles among many, and of blocks of a matrix. */
    static Optional<DnnlTrial> strided(Random random) {
        return matmul(random, strided(random, false));
    }

    private static Product strided(Random random, boolean rounded) {
        Sizes of = new Sizes(random, 1);
        int gap = random.nextInt(3) == 0 ? 0 : TrialNumbers.size(random, 40);
        Layout left = TrialNumbers.one(
                random,
                new Layout(new long[] {of.m, of.k}, new long[] {of.k + gap, 1}),
                new Layout(new long[] {of.m, of.k}, new long[] {1, of.m + gap}),
                Layout.dense(of.k, of.m).transposed());
        Layout right = TrialNumbers.one(
                random, Layout.dense(of.k, of.n), new Layout(new long[] {of.k, of.n}, new long[] {of.n + gap, 1}));
        Layout to = new Layout(new long[] {of.m, of.n}, new long[] {of.n + random.nextInt(3) * gap, 1});
        return new Product(random, left, right, to, rounded);
    }

    private static Optional<DnnlTrial> matmul(Random random, Product product) {
        double beta = TrialNumbers.one(random, 0.0, 1.0, 0.5);
        boolean scaled = random.nextBoolean();
        float alpha = scaled ? random.nextFloat() * 4 - 2 : 1;
        float[] old = product.old(random);
        for (int i = 0; i < old.length; i++) {
            product.sums[i] = alpha * product.sums[i] + beta * old[i];
            product.magnitudes[i] = Math.abs(alpha) * product.magnitudes[i] + Math.abs(beta * old[i]);
        }
        var trial = new DnnlTrial("product", "%s, beta %s%s".formatted(product, beta, scaled ? ", scaled" : ""));
        var a = trial.given("left", product.left, product.a.rounded());
        var b = trial.given("right", product.right, product.b.rounded());
        var c = beta == 0
                ? trial.made("result", product.sums, product.magnitudes)
                : trial.changed("result", old, product.sums, product.magnitudes);
        return Optional.of(
                scaled
                        ? trial.step(
                                DnnlRecipes.scaledMatmul(product.a, product.b, product.c, beta),
                                a,
                                b,
                                trial.given("alpha", new float[] {alpha}),
                                c)
                        : trial.step(DnnlRecipes.matmul(product.a, product.b, product.c, beta), a, b, c));
    }

    static Optional<DnnlTrial> linear(Random random) {
        Sizes of = new Sizes(random, 1);
        var product = new Product(
                random,
                DnnlProducts.operand(1, 1, of.m, of.k, false),
                DnnlProducts.operand(1, 1, of.k, of.n, true),
                DnnlProducts.operand(1, 1, of.m, of.n, false));
        float[] bias = TrialNumbers.numbers(random, of.n);
        for (int i = 0; i < product.sums.length; i++) {
            product.sums[i] += bias[i % of.n];
            product.magnitudes[i] += Math.abs(bias[i % of.n]);
        }
        var trial = new DnnlTrial("linear", product.toString());
        return Optional.of(trial.step(
                DnnlRecipes.linear(product.a, product.b, product.c),
                trial.given("left", product.left),
                trial.given("right", product.right),
                trial.given("bias", bias),
                trial.made("result", product.sums, product.magnitudes)));
    }

    /** destination += (a · b − center)² · weight. */
    static Optional<DnnlTrial> squaredProduct(Random random) {
        return squaredProduct(random, Product.random(random, false));
    }

    static Optional<DnnlTrial> roundedSquaredProduct(Random random) {
        return squaredProduct(random, Product.random(random, true));
    }

    private static Optional<DnnlTrial> squaredProduct(Random random, Product product) {
        boolean centered = random.nextBoolean();
        boolean weighted = random.nextBoolean();
        float[] old = product.old(random);
        float[] center = product.old(random);
        float weight = weighted ? random.nextFloat() * 2 - 1 : 1;
        for (int i = 0; i < old.length; i++) {
            double difference = product.sums[i] - (centered ? center[i] : 0);
            double size = product.magnitudes[i] + Math.abs(centered ? center[i] : 0);
            product.sums[i] = old[i] + difference * difference * weight;
            product.magnitudes[i] = Math.abs(old[i]) + 2 * size * size * Math.abs(weight);
        }
        var trial = new DnnlTrial(
                "squared product", product + (centered ? ", centered" : "") + (weighted ? ", weighted" : ""));
        List<DnnlTrial.Operand> operands = new ArrayList<>();
        operands.add(trial.given("left", product.left, product.a.rounded()));
        operands.add(trial.given("right", product.right, product.b.rounded()));
        if (centered) {
            operands.add(trial.given("center", center));
        }
        if (weighted) {
            operands.add(trial.given("weight", new float[] {weight}));
        }
        operands.add(trial.changed("result", old, product.sums, product.magnitudes));
        return Optional.of(trial.step(
                DnnlRecipes.squaredProduct(product.a, product.b, product.c, centered, weighted),
                operands.toArray(new DnnlTrial.Operand[0])));
    }

    /** Sums of rows and of columns. */
    static Optional<DnnlTrial> sums(Random random) {
        int batch = TrialNumbers.one(random, 1, 1, 2, 5, 17);
        int rows = TrialNumbers.size(random, random.nextInt(6) == 0 ? 2000 : 130);
        int columns = TrialNumbers.size(random, random.nextInt(6) == 0 ? 4096 : 130);
        if ((long) batch * rows * columns > GuardedMemory.CAPACITY / Float.BYTES) {
            return Optional.empty();
        }
        boolean ofColumns = random.nextBoolean();
        float[] x = TrialNumbers.numbers(random, (long) batch * rows * columns);
        double[] sums = TrialNumbers.filled(ofColumns ? batch * columns : batch * rows, 0);
        double[] magnitudes = sums.clone();
        for (int i = 0; i < x.length; i++) {
            int to = ofColumns ? i / (rows * columns) * columns + i % columns : i / columns;
            sums[to] += x[i];
            magnitudes[to] += Math.abs(x[i]);
        }
        String shape = "%d × %d × %d".formatted(batch, rows, columns);
        var trial = new DnnlTrial(TrialNumbers.one(random, "sums"), (ofColumns ? "columns " : "rows ") + shape);
        var from = trial.given("x", x);
        var second = trial.given("ones", ones(ofColumns ? rows : columns));
        var to = trial.made("sums", sums, magnitudes);
        return Optional.of(
                ofColumns
                        ? trial.step(DnnlRecipes.sumColumns(batch, rows, columns), from, second, to)
                        : trial.step(DnnlRecipes.sumRows((long) batch * rows, columns), from, second, to));
    }

    private static float[] ones(int count) {
        float[] ones = new float[count];
        java.util.Arrays.fill(ones, 1);
        return ones;
    }
}
