// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.module;

import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.ContractionVisitor;
import io.backpack4j.spi.module.KroneckerSizes;
import io.backpack4j.spi.tensor.Shape;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** All contractions of known per-sample gradients g_vn, by their definitions. */
public final class GradientOracle {

    private final int columns;
    private final int samples;
    private final int elements;
    private final Shape parameter;
    private final double[] gradients;

    /**
     * Creates an oracle.
     *
     * @param gradients {@code [V, N, *p]}
     */
    public GradientOracle(int columns, int samples, Shape parameter, double[] gradients) {
        this.columns = columns;
        this.samples = samples;
        this.parameter = parameter;
        this.elements = (int) parameter.elements();
        this.gradients = gradients;
    }

    /** V. */
    public int columns() {
        return columns;
    }

    /** N. */
    public int samples() {
        return samples;
    }

    /** The parameter's shape. */
    public Shape parameter() {
        return parameter;
    }

    /** An oracle for gradients with the same numbers {@code *p} subtracted from each. */
    public GradientOracle minus(double[] center) {
        double[] centred = gradients.clone();
        for (int i = 0; i < centred.length; i++) {
            centred[i] -= center[i % elements];
        }
        return new GradientOracle(columns, samples, parameter, centred);
    }

    /** The results of a contraction, in the order of {@link Contraction#shapes}. */
    public List<double[]> compute(Contraction contraction, double @Nullable [] operand) {
        return compute(contraction, operand, null);
    }

    /**
     * The results of a contraction, in the order of {@link Contraction#shapes}.
     *
     * @param values the parameter's values {@code *p}, for contractions that take them
     */
    public List<double[]> compute(Contraction contraction, double @Nullable [] operand, double @Nullable [] values) {
        return contraction.accept(new Definitions(operand, values));
    }

    private double g(int v, int n, int p) {
        return gradients[(v * samples + n) * elements + p];
    }

    private double product(int v, int n, int w, int m) {
        double product = 0;
        for (int p = 0; p < elements; p++) {
            product += g(v, n, p) * g(w, m, p);
        }
        return product;
    }

    private double[] perSample(List<Integer> wanted) {
        double[] result = new double[columns * wanted.size() * elements];
        for (int v = 0; v < columns; v++) {
            for (int i = 0; i < wanted.size(); i++) {
                for (int p = 0; p < elements; p++) {
                    result[(v * wanted.size() + i) * elements + p] = g(v, wanted.get(i), p);
                }
            }
        }
        return result;
    }

    private double[] sum() {
        double[] result = new double[columns * elements];
        for (int v = 0; v < columns; v++) {
            for (int n = 0; n < samples; n++) {
                for (int p = 0; p < elements; p++) {
                    result[v * elements + p] += g(v, n, p);
                }
            }
        }
        return result;
    }

    private List<double[]> moments() {
        double[] sum = new double[elements];
        double[] squares = new double[elements];
        int count = columns * samples;
        for (int p = 0; p < elements; p++) {
            for (int b = 0; b < count; b++) {
                sum[p] += g(0, b, p);
            }
            for (int b = 0; b < count; b++) {
                squares[p] += Math.pow(g(0, b, p) - sum[p] / count, 2);
            }
        }
        return List.of(sum, squares);
    }

    private double[] sumOfSquares(double @Nullable [] weights) {
        double[] result = new double[elements];
        for (int v = 0; v < columns; v++) {
            for (int n = 0; n < samples; n++) {
                double weight = weights == null ? 1 : weights[v * samples + n];
                for (int p = 0; p < elements; p++) {
                    result[p] += weight * g(v, n, p) * g(v, n, p);
                }
            }
        }
        return result;
    }

    private double[] sumOfSquaresPerSample(double @Nullable [] weights) {
        double[] result = new double[samples * elements];
        for (int v = 0; v < columns; v++) {
            for (int n = 0; n < samples; n++) {
                double weight = weights == null ? 1 : weights[v * samples + n];
                for (int p = 0; p < elements; p++) {
                    result[n * elements + p] += weight * g(v, n, p) * g(v, n, p);
                }
            }
        }
        return result;
    }

    private double[] squaredNorms() {
        double[] result = new double[columns * samples];
        for (int v = 0; v < columns; v++) {
            for (int n = 0; n < samples; n++) {
                result[v * samples + n] = product(v, n, v, n);
            }
        }
        return result;
    }

    private double[] extremes() {
        double[] result = new double[3];
        Arrays.fill(result, Double.NEGATIVE_INFINITY);
        for (double value : gradients) {
            result[0] = Math.max(result[0], -value);
            result[1] = Math.max(result[1], value);
            result[2] = Math.max(result[2], Math.abs(value));
        }
        return result;
    }

    /** @param sums {@code [V, *p]} */
    private double[] dotWithSums(double[] sums) {
        double[] result = new double[columns * samples];
        for (int v = 0; v < columns; v++) {
            for (int n = 0; n < samples; n++) {
                for (int p = 0; p < elements; p++) {
                    result[v * samples + n] += g(v, n, p) * sums[v * elements + p];
                }
            }
        }
        return result;
    }

    private double[] innerProducts() {
        int count = columns * samples;
        double[] result = new double[count * count];
        for (int i = 0; i < count; i++) {
            for (int j = 0; j < count; j++) {
                result[i * count + j] = product(i / samples, i % samples, j / samples, j % samples);
            }
        }
        return result;
    }

    private double[] innerProductsOfSamples() {
        double[] result = new double[samples * columns * columns];
        for (int n = 0; n < samples; n++) {
            for (int v = 0; v < columns; v++) {
                for (int w = 0; w < columns; w++) {
                    result[(n * columns + v) * columns + w] = product(v, n, w, n);
                }
            }
        }
        return result;
    }

    /** Every number of an image by its definition, s_oi Σ_ab L_ao g_ab R_bi. */
    private double[] mappedInnerProducts(double[] map, Optional<KroneckerSizes> bases) {
        double[][] images = new double[columns * samples][elements];
        for (int b = 0; b < images.length; b++) {
            for (int p = 0; p < elements; p++) {
                images[b][p] = bases.isPresent() ? image(map, bases.get(), b, p) : map[p] * g(0, b, p);
            }
        }
        double[] result = new double[samples * columns * columns];
        for (int n = 0; n < samples; n++) {
            for (int v = 0; v < columns; v++) {
                for (int w = 0; w < columns; w++) {
                    for (int p = 0; p < elements; p++) {
                        result[(n * columns + v) * columns + w] +=
                                images[v * samples + n][p] * images[w * samples + n][p];
                    }
                }
            }
        }
        return result;
    }

    /** @param place of the image, in the order {@code [G, O, I]} */
    private double image(double[] map, KroneckerSizes sizes, int b, int place) {
        int outputs = (int) sizes.outputs();
        int inputs = (int) sizes.inputs();
        int inner = inputs / (int) sizes.leading();
        int group = place / (outputs * inputs);
        int o = place / inputs % outputs;
        int i = place % inputs;
        int rights = (int) sizes.groups() * outputs * outputs;
        int scales = rights + (sizes.diagonalInputs() ? 0 : (int) sizes.groups() * inputs * inputs);
        double sum = 0;
        for (int a = 0; a < outputs; a++) {
            double left = map[(group * outputs + a) * outputs + o];
            for (int c = 0; c < inputs; c++) {
                double same = c == i ? 1 : 0;
                double right = sizes.diagonalInputs() ? same : map[rights + (group * inputs + c) * inputs + i];
                int element = group * outputs * inputs + (c / inner * outputs + a) * inner + c % inner;
                sum += left * g(0, b, element) * right;
            }
        }
        return map[scales + place] * sum;
    }

    private double[] outerProducts() {
        double[] result = new double[elements * elements];
        for (int b = 0; b < columns * samples; b++) {
            for (int i = 0; i < result.length; i++) {
                result[i] += g(0, b, i / elements) * g(0, b, i % elements);
            }
        }
        return result;
    }

    private double[] dot(double[] vectors, int count) {
        double[] result = new double[count * columns * samples];
        for (int k = 0; k < count; k++) {
            for (int b = 0; b < columns * samples; b++) {
                for (int p = 0; p < elements; p++) {
                    result[k * columns * samples + b] += vectors[k * elements + p] * g(0, b, p);
                }
            }
        }
        return result;
    }

    private double[] weightedSum(double[] weights, int count) {
        double[] result = new double[count * elements];
        for (int k = 0; k < count; k++) {
            for (int b = 0; b < columns * samples; b++) {
                for (int p = 0; p < elements; p++) {
                    result[k * elements + p] += weights[k * columns * samples + b] * g(0, b, p);
                }
            }
        }
        return result;
    }

    /** Bins by counting edges at or below a number. */
    private static int bin(double x, double low, double high, int bins) {
        int reached = 0;
        for (int i = 1; i < bins; i++) {
            double edge = (low * (bins - i) + high * i) / bins;
            reached += x >= edge ? 1 : 0;
        }
        return Double.isNaN(x) ? bins : reached;
    }

    private double[] histogram(int bins, double[] range) {
        double[] result = new double[bins + 1];
        for (double gradient : gradients) {
            result[bin(gradient, range[0], range[1], bins)]++;
        }
        return result;
    }

    private double[] jointHistogram(int bins, int binsOfValues, double[] ranges, double[] values) {
        double[] result = new double[(bins + 1) * (binsOfValues + 1)];
        for (int i = 0; i < gradients.length; i++) {
            int row = bin(gradients[i], ranges[0], ranges[1], bins);
            int column = bin(values[i % elements], ranges[2], ranges[3], binsOfValues);
            result[row * (binsOfValues + 1) + column]++;
        }
        return result;
    }

    /** Kinds of contractions and the methods that define them. */
    private final class Definitions implements ContractionVisitor<List<double[]>> {

        private final double @Nullable [] operand;
        private final double @Nullable [] values;

        Definitions(double @Nullable [] operand, double @Nullable [] values) {
            this.operand = operand;
            this.values = values;
        }

        @Override
        public List<double[]> visit(Contraction.PerSample contraction) {
            List<Integer> all = IntStream.range(0, samples).boxed().toList();
            return List.of(perSample(contraction.subsampling().orElse(all)));
        }

        @Override
        public List<double[]> visit(Contraction.LookedUpIds contraction) {
            throw undefined(contraction);
        }

        @Override
        public List<double[]> visit(Contraction.LookedUpRows contraction) {
            throw undefined(contraction);
        }

        @Override
        public List<double[]> visit(Contraction.Sum contraction) {
            return List.of(sum());
        }

        @Override
        public List<double[]> visit(Contraction.Moments contraction) {
            return moments();
        }

        @Override
        public List<double[]> visit(Contraction.SumOfSquares contraction) {
            return List.of(sumOfSquares(operand));
        }

        @Override
        public List<double[]> visit(Contraction.SumOfSquaresOverPositions contraction) {
            throw undefined(contraction);
        }

        @Override
        public List<double[]> visit(Contraction.SumOfSquaresPerSample contraction) {
            return List.of(sumOfSquaresPerSample(operand));
        }

        @Override
        public List<double[]> visit(Contraction.SquaredNorms contraction) {
            return List.of(squaredNorms());
        }

        @Override
        public List<double[]> visit(Contraction.Extremes contraction) {
            return List.of(extremes());
        }

        @Override
        public List<double[]> visit(Contraction.Trace contraction) {
            return List.of(new double[] {Arrays.stream(sumOfSquares(operand)).sum()});
        }

        @Override
        public List<double[]> visit(Contraction.TraceOverPositions contraction) {
            throw undefined(contraction);
        }

        @Override
        public List<double[]> visit(Contraction.DotWithSum contraction) {
            return List.of(dotWithSums(operand == null ? sum() : operand));
        }

        @Override
        public List<double[]> visit(Contraction.CentredSquaredNorm contraction) {
            return List.of(new double[] {Arrays.stream(moments().get(1)).sum()});
        }

        @Override
        public List<double[]> visit(Contraction.InnerProducts contraction) {
            return List.of(contraction.sameSample() ? innerProductsOfSamples() : innerProducts());
        }

        @Override
        public List<double[]> visit(Contraction.MappedInnerProducts contraction) {
            return List.of(mappedInnerProducts(Objects.requireNonNull(operand), contraction.bases()));
        }

        @Override
        public List<double[]> visit(Contraction.Dot contraction) {
            return List.of(dot(Objects.requireNonNull(operand), contraction.count()));
        }

        @Override
        public List<double[]> visit(Contraction.WeightedSum contraction) {
            return List.of(weightedSum(Objects.requireNonNull(operand), contraction.count()));
        }

        @Override
        public List<double[]> visit(Contraction.Histogram contraction) {
            return List.of(histogram(contraction.bins(), Objects.requireNonNull(operand)));
        }

        @Override
        public List<double[]> visit(Contraction.JointHistogram contraction) {
            return List.of(jointHistogram(
                    contraction.gradientBins(),
                    contraction.parameterBins(),
                    Objects.requireNonNull(operand),
                    Objects.requireNonNull(values)));
        }

        @Override
        public List<double[]> visit(Contraction.OuterProducts contraction) {
            return List.of(outerProducts());
        }

        @Override
        public List<double[]> visit(Contraction.InputFactor contraction) {
            throw undefined(contraction);
        }

        @Override
        public List<double[]> visit(Contraction.OutputFactor contraction) {
            throw undefined(contraction);
        }

        private AssertionError undefined(Contraction contraction) {
            return new AssertionError("Gradients alone do not define " + contraction);
        }
    }
}
