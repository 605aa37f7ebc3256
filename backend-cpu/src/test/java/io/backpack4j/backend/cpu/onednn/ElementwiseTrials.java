// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import static org.bytedeco.dnnl.global.dnnl.*;

import io.backpack4j.backend.cpu.memory.GuardedMemory;
import io.backpack4j.spi.backend.Activation;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;

/** Trials of element-wise operations and softmax, with operands that share memory as callers have it. */
final class ElementwiseTrials {

    private ElementwiseTrials() {}

    private static int count(Random random) {
        return random.nextInt(3) == 0 ? 1 + random.nextInt(5000) : TrialNumbers.size(random, 600);
    }

    /** Numbers of any size that an activation may meet. */
    private static float[] wide(Random random, int count) {
        float[] numbers = TrialNumbers.numbers(random, count);
        float scale = TrialNumbers.one(random, 1e-6f, 0.01f, 1f, 1f, 5f, 30f);
        for (int i = 0; i < count; i++) {
            numbers[i] *= scale;
        }
        return numbers;
    }

    private record Function(int algorithm, double alpha, double beta, DoubleUnaryOperator exact) {}

    private static double elu(double x, double alpha) {
        return x > 0 ? x : alpha * Math.expm1(x);
    }

    private static double sigmoid(double x) {
        return 1 / (1 + Math.exp(-x));
    }

    static Optional<DnnlTrial> function(Random random) {
        double alpha = (float) (0.1 + random.nextDouble());
        Function function = TrialNumbers.one(
                random,
                new Function(dnnl_eltwise_linear, -1, 0, x -> -x),
                new Function(dnnl_eltwise_abs, 0, 0, Math::abs),
                new Function(dnnl_eltwise_sqrt, 0, 0, Math::sqrt),
                new Function(dnnl_eltwise_square, 0, 0, x -> x * x),
                new Function(dnnl_eltwise_pow, 1, -1, x -> 1 / x),
                new Function(dnnl_eltwise_tanh, 0, 0, Math::tanh),
                new Function(dnnl_eltwise_relu, alpha, 0, x -> x > 0 ? x : alpha * x),
                new Function(dnnl_eltwise_elu, alpha, 0, x -> elu(x, alpha)),
                new Function(dnnl_eltwise_logistic, 0, 0, ElementwiseTrials::sigmoid),
                new Function(dnnl_eltwise_swish, 1, 0, x -> x * sigmoid(x)));
        float[] x = wide(random, count(random));
        if (function.algorithm == dnnl_eltwise_sqrt) {
            for (int i = 0; i < x.length; i++) {
                x[i] = Math.abs(x[i]);
            }
        }
        double[] y = new double[x.length];
        for (int i = 0; i < y.length; i++) {
            y[i] = function.exact.applyAsDouble(x[i]);
        }
        var trial = new DnnlTrial("function", "%d of %d numbers".formatted(function.algorithm, x.length));
        DnnlPrimitive primitive = DnnlRecipes.eltwise(function.algorithm, function.alpha, function.beta, x.length);
        // exp(x) - 1 has the rounding of 1
        double rounded = function.algorithm == dnnl_eltwise_elu ? alpha : 0;
        double[] sizes =
                Arrays.stream(y).map(value -> Math.abs(value) + rounded).toArray();
        return Optional.of(finish(random, trial, primitive, x, y, sizes));
    }

    /** In place, or to another place. */
    private static DnnlTrial finish(
            Random random, DnnlTrial trial, DnnlPrimitive primitive, float[] x, double[] y, double[] sizes) {
        if (random.nextBoolean()) {
            var both = trial.changed("x", x, y, sizes);
            return trial.step(primitive, both, both);
        }
        return trial.step(primitive, trial.given("x", x), trial.made("y", y, sizes));
    }

    /** What is made by several functions in a row: exponential, ReLU, SELU, where x is positive. */
    static Optional<DnnlTrial> chain(Random random) {
        int kind = random.nextInt(4);
        float[] x = wide(random, count(random));
        double alpha = Activation.SELU_ALPHA;
        double scale = Activation.SELU_SCALE;
        double[] y = new double[x.length];
        double[] sizes = new double[x.length];
        for (int i = 0; i < y.length; i++) {
            y[i] = switch (kind) {
                case 0 -> Math.exp(x[i]);
                case 1 -> Math.max(x[i], 0);
                case 2 -> x[i] > 0 ? 1 : 0;
                default -> scale * elu(x[i], alpha);
            };
            sizes[i] = Math.abs(y[i]) + (kind == 3 ? alpha * scale : 0);
        }
        var trial = new DnnlTrial("chain", "%d of %d numbers".formatted(kind, x.length));
        var from = trial.given("x", x);
        var one = trial.given("one", new float[] {1});
        var to = trial.made("y", y, sizes);
        long n = x.length;
        return Optional.of(
                switch (kind) {
                    case 0 ->
                        trial.step(DnnlRecipes.compare(dnnl_eltwise_exp, dnnl_binary_max, n), from, one, from, to);
                    case 1 ->
                        trial.step(DnnlRecipes.compare(dnnl_eltwise_clip, dnnl_binary_max, n), from, one, from, to);
                    case 2 ->
                        trial.step(DnnlRecipes.compare(dnnl_eltwise_clip, dnnl_binary_lt, n), from, one, from, to);
                    default -> trial.step(DnnlRecipes.scaledEltwise(dnnl_eltwise_elu, alpha, scale, n), from, one, to);
                });
    }

    private record Derivative(int algorithm, double alpha, DoubleUnaryOperator exact) {}

    static Optional<DnnlTrial> pullback(Random random) {
        double alpha = (float) (0.1 + random.nextDouble());
        Derivative derivative = TrialNumbers.one(
                random,
                new Derivative(dnnl_eltwise_relu, 0, x -> x > 0 ? 1 : 0),
                new Derivative(dnnl_eltwise_relu, alpha, x -> x > 0 ? 1 : alpha),
                new Derivative(dnnl_eltwise_elu, alpha, x -> x > 0 ? 1 : alpha * Math.exp(x)),
                new Derivative(dnnl_eltwise_elu_use_dst_for_bwd, alpha, y -> y > 0 ? 1 : y + alpha),
                new Derivative(dnnl_eltwise_logistic_use_dst_for_bwd, 0, y -> y * (1 - y)),
                new Derivative(dnnl_eltwise_tanh_use_dst_for_bwd, 0, y -> 1 - y * y),
                new Derivative(dnnl_eltwise_soft_relu, -1, x -> sigmoid(-x)));
        boolean sigmoid = derivative.algorithm == dnnl_eltwise_logistic_use_dst_for_bwd;
        boolean fromInput = derivative.algorithm == dnnl_eltwise_relu
                || derivative.algorithm == dnnl_eltwise_elu
                || derivative.algorithm == dnnl_eltwise_soft_relu;
        int n = count(random);
        float[] saved = fromInput ? wide(random, n) : TrialNumbers.numbers(random, n);
        float[] signal = TrialNumbers.numbers(random, n);
        double[] result = new double[n];
        double[] sizes = new double[n];
        for (int i = 0; i < n; i++) {
            saved[i] = sigmoid ? Math.abs(saved[i]) : saved[i];
            result[i] = signal[i] * derivative.exact.applyAsDouble(saved[i]);
            sizes[i] = Math.max(Math.abs(result[i]), fromInput ? 0 : Math.abs(signal[i]));
        }
        var trial = new DnnlTrial("pullback", "%d of %d numbers".formatted(derivative.algorithm, n));
        var data = trial.given("saved", saved);
        DnnlPrimitive primitive = DnnlRecipes.eltwiseBackward(derivative.algorithm, derivative.alpha, n);
        if (random.nextBoolean()) {
            var both = trial.changed("cotangents", signal, result, sizes);
            return Optional.of(trial.step(primitive, data, both, both));
        }
        return Optional.of(
                trial.step(primitive, data, trial.given("cotangents", signal), trial.made("result", result, sizes)));
    }

    /** Two operands, one of which may stretch. */
    static Optional<DnnlTrial> binary(Random random) {
        int rank = 1 + random.nextInt(4);
        long[] sizes = new long[rank];
        long[] sizesB = new long[rank];
        long count = 1;
        for (int axis = 0; axis < rank; axis++) {
            sizes[axis] = rank == 1 ? count(random) : TrialNumbers.size(random, rank == 2 ? 300 : 33);
            sizesB[axis] = random.nextInt(3) == 0 ? 1 : sizes[axis];
            count *= sizes[axis];
        }
        if (count > GuardedMemory.CAPACITY / Float.BYTES) {
            return Optional.empty();
        }
        int kind = random.nextInt(4);
        int algorithm = new int[] {dnnl_binary_add, dnnl_binary_sub, dnnl_binary_mul, dnnl_binary_div}[kind];
        DoubleBinaryOperator exact =
                new DoubleBinaryOperator[] {Double::sum, (a, b) -> a - b, (a, b) -> a * b, (a, b) -> a / b}[kind];
        double scale = random.nextInt(4) == 0 ? -1 : 1;
        float[] a = TrialNumbers.numbers(random, count);
        Layout whole = Layout.dense(sizes);
        Layout partly = Layout.dense(sizesB);
        float[] b = TrialNumbers.numbers(random, TrialNumbers.count(partly));
        for (int i = 0; i < b.length; i++) {
            b[i] += Math.copySign(0.1f, b[i]);
        }
        long[] stretched = partly.strides().clone();
        for (int axis = 0; axis < rank; axis++) {
            stretched[axis] = sizesB[axis] == 1 ? 0 : stretched[axis];
        }
        Layout read = new Layout(sizes, stretched);
        double[] result = new double[a.length];
        double[] magnitudes = new double[a.length];
        for (int i = 0; i < a.length; i++) {
            float other = b[TrialNumbers.place(read, i)];
            result[i] = scale * exact.applyAsDouble(a[i], other);
            magnitudes[i] = Math.max(Math.abs(result[i]), kind < 2 ? Math.abs(a[i]) + Math.abs(other) : 0);
        }
        var trial = new DnnlTrial(
                "binary",
                "%d of %s, %s, scale %s".formatted(kind, ProductTrials.text(whole), Arrays.toString(sizesB), scale));
        DnnlPrimitive primitive = DnnlRecipes.binary(algorithm, sizes, sizesB, scale);
        var second = trial.given("b", b);
        if (random.nextBoolean()) {
            var both = trial.changed("a", a, result, magnitudes);
            return Optional.of(trial.step(primitive, both, second, both));
        }
        return Optional.of(
                trial.step(primitive, trial.given("a", a), second, trial.made("result", result, magnitudes)));
    }

    /** Scaled, added and squared numbers, with factors in memory. */
    static Optional<DnnlTrial> scaled(Random random) {
        int n = count(random);
        float[] x = TrialNumbers.numbers(random, n);
        float[] old = TrialNumbers.numbers(random, n);
        float factor = random.nextFloat() * 4 - 2;
        float offset = random.nextFloat() * 4 - 2;
        int kind = random.nextInt(6);
        double[] result = new double[n];
        double[] sizes = new double[n];
        for (int i = 0; i < n; i++) {
            double square = (double) x[i] * x[i];
            result[i] = switch (kind) {
                case 0 -> (double) factor * x[i] + offset;
                case 1 -> (double) factor * x[i] + old[i];
                case 2 -> (double) x[i] + old[i];
                case 3 -> factor * square + old[i];
                case 4 -> offset * ((double) factor * x[i] + old[i]);
                default -> factor * square > old[i] ? 1 : 0;
            };
            sizes[i] = 3 * Math.abs(x[i]) + 2 + Math.abs(old[i]);
        }
        var trial = new DnnlTrial("scaled", "%d of %d numbers".formatted(kind, n));
        var from = trial.given("x", x);
        return Optional.of(
                switch (kind) {
                    case 0 ->
                        trial.step(
                                DnnlRecipes.affine(n),
                                from,
                                trial.given("scale", new float[] {factor}),
                                trial.given("offset", new float[] {offset}),
                                trial.made("result", result, sizes));
                    case 1 -> {
                        var to = trial.changed("result", old, result, sizes);
                        yield trial.step(
                                DnnlRecipes.addScaled(n), from, trial.given("alpha", new float[] {factor}), to, to);
                    }
                    case 2 -> {
                        var to = trial.changed("result", old, result, sizes);
                        yield trial.step(DnnlRecipes.add(n), to, from, to);
                    }
                    case 3 ->
                        trial.step(
                                DnnlRecipes.plusSquares(n, factor),
                                from,
                                from,
                                trial.given("y", old),
                                trial.made("result", result, sizes));
                    case 4 -> {
                        var to = trial.changed("result", old, result, sizes);
                        yield trial.step(
                                DnnlRecipes.scaledSum(n),
                                from,
                                trial.given("ratio", new float[] {factor}),
                                to,
                                trial.given("factor", new float[] {offset}),
                                to);
                    }
                    default ->
                        trial.step(
                                DnnlRecipes.squaresAbove(n, factor),
                                from,
                                from,
                                trial.given("y", old),
                                trial.made("result", result, sizes));
                });
    }

    /** destination += (x − center)² · weight. */
    static Optional<DnnlTrial> squares(Random random) {
        int n = count(random);
        boolean centered = random.nextBoolean();
        boolean weighted = random.nextBoolean();
        float[] x = TrialNumbers.numbers(random, n);
        float[] center = TrialNumbers.numbers(random, n);
        float[] old = TrialNumbers.numbers(random, n);
        float weight = weighted ? random.nextFloat() * 2 - 1 : 1;
        double[] result = new double[n];
        double[] sizes = new double[n];
        for (int i = 0; i < n; i++) {
            double difference = x[i] - (centered ? (double) center[i] : 0);
            result[i] = old[i] + difference * difference * weight;
            sizes[i] = Math.abs(old[i]) + 4;
        }
        var trial = new DnnlTrial("squares", n + (centered ? " centered" : "") + (weighted ? " weighted" : ""));
        var from = trial.given("x", x);
        var second = centered ? trial.given("center", center) : from;
        var to = trial.changed("result", old, result, sizes);
        DnnlPrimitive primitive = DnnlRecipes.squares(n, centered, weighted);
        return Optional.of(
                weighted
                        ? trial.step(primitive, from, second, to, to, trial.given("weight", new float[] {weight}))
                        : trial.step(primitive, from, second, to, to));
    }

    static Optional<DnnlTrial> softmax(Random random) {
        int outer = TrialNumbers.size(random, 130);
        int length = TrialNumbers.size(random, random.nextInt(5) == 0 ? 2000 : 130);
        int inner = random.nextBoolean() ? 1 : TrialNumbers.size(random, 65);
        if ((long) outer * length * inner > 50_000) {
            return Optional.empty();
        }
        float[] x = wide(random, outer * length * inner);
        double[] y = new double[x.length];
        double[] sizes = new double[x.length];
        for (int o = 0; o < outer; o++) {
            for (int i = 0; i < inner; i++) {
                double most = Double.NEGATIVE_INFINITY;
                for (int l = 0; l < length; l++) {
                    most = Math.max(most, x[(o * length + l) * inner + i]);
                }
                double sum = 0;
                for (int l = 0; l < length; l++) {
                    sum += Math.exp(x[(o * length + l) * inner + i] - most);
                }
                for (int l = 0; l < length; l++) {
                    int at = (o * length + l) * inner + i;
                    y[at] = Math.exp(x[at] - most) / sum;
                    sizes[at] = y[at] * (Math.abs(x[at]) + Math.abs(most) + 1);
                }
            }
        }
        var trial = new DnnlTrial("softmax", "%d × %d × %d".formatted(outer, length, inner));
        DnnlPrimitive primitive = DnnlRecipes.softmax(new long[] {outer, length, inner}, 1);
        return Optional.of(trial.step(primitive, trial.given("x", x), trial.made("y", y, sizes)));
    }
}
