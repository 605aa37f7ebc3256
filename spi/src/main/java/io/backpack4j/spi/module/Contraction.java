// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

import io.backpack4j.spi.tensor.Shape;
import java.util.List;
import java.util.Optional;

/**
 * What can be made of per-sample gradients g_vn (V columns, N samples, a parameter of shape {@code *p}) without
 * extensions knowing layers or layers knowing extensions. Equal contractions of equal signals are computed once.
 */
public sealed interface Contraction extends RuledContraction {

    /** The shapes of the results. */
    List<Shape> shapes(long columns, long samples, Shape parameter);

    /** Calls the visitor's method for this kind of contraction. */
    <R> R accept(ContractionVisitor<R> visitor);

    /** What an extension supplies when the walk gets to the parameter, if the contraction needs anything. */
    default Optional<Operand> operand() {
        return Optional.empty();
    }

    /**
     * The contraction of positions apart that does the same for columns of which each is zero at all positions but one,
     * once those of all positions travel on top of each other; see {@link Module#positionAxes}.
     */
    default Optional<Contraction> overPositions() {
        return Optional.empty();
    }

    /**
     * The contraction of the whole batch that every sample's part is made with, for all columns: {@link
     * ContractionTask#operand} is its result where that is known. Without operand the task's own samples are the batch.
     * Parts of a batch therefore have to be looked at twice, and batches of a session do not merge.
     */
    default Optional<Contraction> ofBatch() {
        return Optional.empty();
    }

    /** What passes accumulate in its place until all parts are merged, and make it of then. */
    default Optional<CondensedContraction> condensed() {
        return Optional.empty();
    }

    /** What it follows from where a pass accumulates that for the same signal anyway. */
    default Optional<CondensedContraction> contained() {
        return Optional.empty();
    }

    /** The positions in the batch that are wanted, in order; all if empty. */
    default Optional<List<Integer>> subsampling() {
        return Optional.empty();
    }

    /** The same of other samples, for a contraction with {@link #subsampling}. */
    default Contraction ofSamples(List<Integer> positions) {
        throw new IllegalStateException(this + " has no samples to choose");
    }

    /**
     * The gradients themselves, {@code [V, N, *p]}.
     *
     * @param subsampling the positions in the batch that are wanted, in order, repetitions allowed; all if empty
     */
    record PerSample(Optional<List<Integer>> subsampling) implements Contraction {
        public PerSample {
            subsampling = subsampling.map(List::copyOf);
        }

        /** Of all samples. */
        public PerSample() {
            this(Optional.empty());
        }

        @Override
        public List<Shape> shapes(long columns, long samples, Shape parameter) {
            return List.of(parameter.prepend(
                    columns, subsampling.map(s -> (long) s.size()).orElse(samples)));
        }

        @Override
        public Contraction ofSamples(List<Integer> positions) {
            return new PerSample(Optional.of(positions));
        }

        @Override
        public ContractionRules rules() {
            return ContractionRules.PER_SAMPLE;
        }

        @Override
        public <R> R accept(ContractionVisitor<R> visitor) {
            return visitor.visit(this);
        }
    }

    /**
     * Which rows of the parameter every sample looks up: INT64 {@code [N, K]}, in ascending order, each once, and −1
     * behind the last of them. Rows whose gradient is zero whatever the cotangents, such as those for padding, are
     * none. It depends on no signal: ask for it with the {@code LossGradient}. Only for parameters with {@link
     * ParameterSpec#lookups}.
     *
     * @param rows K, the parameter's
     * @param subsampling the positions in the batch that are wanted, in order, repetitions allowed; all if empty
     */
    record LookedUpIds(long rows, Optional<List<Integer>> subsampling) implements Contraction {
        public LookedUpIds {
            subsampling = subsampling.map(List::copyOf);
        }

        @Override
        public List<Shape> shapes(long columns, long samples, Shape parameter) {
            return List.of(Shape.of(subsampling.map(s -> (long) s.size()).orElse(samples), rows));
        }

        @Override
        public Contraction ofSamples(List<Integer> positions) {
            return new LookedUpIds(rows, Optional.of(positions));
        }

        @Override
        public ContractionRules rules() {
            return ContractionRules.LOOKED_UP_IDS;
        }

        @Override
        public <R> R accept(ContractionVisitor<R> visitor) {
            return visitor.visit(this);
        }
    }

    /**
     * The rows of the gradients g_vn that {@link LookedUpIds} names, {@code [V, N, K, *row]}, zero where it has −1. All
     * other rows are zero.
     *
     * @param rows K, the parameter's
     * @param subsampling the positions in the batch that are wanted, in order, repetitions allowed; all if empty
     */
    record LookedUpRows(long rows, Optional<List<Integer>> subsampling) implements Contraction {
        public LookedUpRows {
            subsampling = subsampling.map(List::copyOf);
        }

        @Override
        public List<Shape> shapes(long columns, long samples, Shape parameter) {
            return List.of(parameter
                    .with(0, rows)
                    .prepend(columns, subsampling.map(s -> (long) s.size()).orElse(samples)));
        }

        @Override
        public Contraction ofSamples(List<Integer> positions) {
            return new LookedUpRows(rows, Optional.of(positions));
        }

        @Override
        public ContractionRules rules() {
            return ContractionRules.LOOKED_UP_ROWS;
        }

        @Override
        public <R> R accept(ContractionVisitor<R> visitor) {
            return visitor.visit(this);
        }
    }

    /** Σ_n g_vn: {@code [V, *p]}. */
    record Sum() implements Contraction {
        @Override
        public List<Shape> shapes(long columns, long samples, Shape parameter) {
            return List.of(parameter.prepend(columns));
        }

        @Override
        public ContractionRules rules() {
            return ContractionRules.SUM;
        }

        @Override
        public <R> R accept(ContractionVisitor<R> visitor) {
            return visitor.visit(this);
        }
    }

    /** Two tensors of shape {@code *p}: Σ g and Σ (g − mean)², over samples and columns alike. Free of cancellation. */
    record Moments() implements Contraction {
        @Override
        public List<Shape> shapes(long columns, long samples, Shape parameter) {
            return List.of(parameter, parameter);
        }

        @Override
        public ContractionRules rules() {
            return ContractionRules.MOMENTS;
        }

        @Override
        public <R> R accept(ContractionVisitor<R> visitor) {
            return visitor.visit(this);
        }
    }

    /** Σ_v Σ_n w_vn g_vn²: {@code *p}. The weights, one if there are none, are the signal's own. */
    record SumOfSquares() implements Contraction {
        @Override
        public List<Shape> shapes(long columns, long samples, Shape parameter) {
            return List.of(parameter);
        }

        @Override
        public ContractionRules rules() {
            return ContractionRules.SUM_OF_SQUARES;
        }

        @Override
        public <R> R accept(ContractionVisitor<R> visitor) {
            return visitor.visit(this);
        }

        @Override
        public Optional<Contraction> overPositions() {
            return Optional.of(new SumOfSquaresOverPositions());
        }
    }

    /**
     * Σ_v Σ_n Σ_s g_vns²: {@code *p}, g_vns being what position s alone contributes to g_vn. It is the {@link
     * SumOfSquares} of S times as many columns, of which each is zero at all positions but one. Only for parameters of
     * modules that have {@link Module#positionAxes}.
     */
    record SumOfSquaresOverPositions() implements Contraction {
        @Override
        public List<Shape> shapes(long columns, long samples, Shape parameter) {
            return List.of(parameter);
        }

        @Override
        public ContractionRules rules() {
            return ContractionRules.SUM_OF_SQUARES_OVER_POSITIONS;
        }

        @Override
        public <R> R accept(ContractionVisitor<R> visitor) {
            return visitor.visit(this);
        }
    }

    /** Σ_v w_vn g_vn²: {@code [N, *p]}. The weights, one if there are none, are the signal's own. */
    record SumOfSquaresPerSample() implements Contraction {
        @Override
        public List<Shape> shapes(long columns, long samples, Shape parameter) {
            return List.of(parameter.prepend(samples));
        }

        @Override
        public ContractionRules rules() {
            return ContractionRules.SUM_OF_SQUARES_PER_SAMPLE;
        }

        @Override
        public <R> R accept(ContractionVisitor<R> visitor) {
            return visitor.visit(this);
        }
    }

    /** ‖g_vn‖²: {@code [V, N]}. */
    record SquaredNorms() implements Contraction {
        @Override
        public List<Shape> shapes(long columns, long samples, Shape parameter) {
            return List.of(Shape.of(columns, samples));
        }

        @Override
        public ContractionRules rules() {
            return ContractionRules.SQUARED_NORMS;
        }

        @Override
        public <R> R accept(ContractionVisitor<R> visitor) {
            return visitor.visit(this);
        }
    }

    /**
     * {@code [3]}: −min, max and the greatest magnitude of all elements of all gradients, so that the larger number
     * wins in each; −∞ where there are none, NaN where one is. Of one outer product d ⊗ a they follow from the extremes
     * of d and a.
     */
    record Extremes() implements Contraction {
        @Override
        public List<Shape> shapes(long columns, long samples, Shape parameter) {
            return List.of(Shape.of(3));
        }

        @Override
        public ContractionRules rules() {
            return ContractionRules.EXTREMES;
        }

        @Override
        public <R> R accept(ContractionVisitor<R> visitor) {
            return visitor.visit(this);
        }
    }

    /**
     * Σ_v Σ_n w_vn ‖g_vn‖², a scalar, without the diagonal {@link SumOfSquares}. The weights, one if there are none,
     * are the signal's own.
     */
    record Trace() implements Contraction {
        @Override
        public List<Shape> shapes(long columns, long samples, Shape parameter) {
            return List.of(Shape.of());
        }

        @Override
        public ContractionRules rules() {
            return ContractionRules.TRACE;
        }

        @Override
        public <R> R accept(ContractionVisitor<R> visitor) {
            return visitor.visit(this);
        }

        @Override
        public Optional<Contraction> overPositions() {
            return Optional.of(new TraceOverPositions());
        }

        @Override
        public Optional<CondensedContraction> contained() {
            return Optional.of(CondensedContraction.total(new SumOfSquares()));
        }
    }

    /** Σ_v Σ_n Σ_s ‖g_vns‖², a scalar: the sum of {@link SumOfSquaresOverPositions}, for the same parameters. */
    record TraceOverPositions() implements Contraction {
        @Override
        public List<Shape> shapes(long columns, long samples, Shape parameter) {
            return List.of(Shape.of());
        }

        @Override
        public ContractionRules rules() {
            return ContractionRules.TRACE_OVER_POSITIONS;
        }

        @Override
        public Optional<CondensedContraction> contained() {
            return Optional.of(CondensedContraction.total(new SumOfSquaresOverPositions()));
        }

        @Override
        public <R> R accept(ContractionVisitor<R> visitor) {
            return visitor.visit(this);
        }
    }

    /** ⟨g_vn, Σ_m g_vm⟩, the sum being over the whole batch: {@code [V, N]}. */
    record DotWithSum() implements Contraction {
        @Override
        public List<Shape> shapes(long columns, long samples, Shape parameter) {
            return List.of(Shape.of(columns, samples));
        }

        @Override
        public ContractionRules rules() {
            return ContractionRules.DOT_WITH_SUM;
        }

        @Override
        public <R> R accept(ContractionVisitor<R> visitor) {
            return visitor.visit(this);
        }

        @Override
        public Optional<Contraction> ofBatch() {
            return Optional.of(new Sum());
        }
    }

    /**
     * Σ ‖g − mean‖², a scalar, over samples and columns alike. Free of cancellation: it is the sum of the second of
     * {@link Moments}, which passes and sessions keep until all is merged.
     */
    record CentredSquaredNorm() implements Contraction {
        @Override
        public List<Shape> shapes(long columns, long samples, Shape parameter) {
            return List.of(Shape.of());
        }

        @Override
        public ContractionRules rules() {
            return ContractionRules.CENTRED_SQUARED_NORM;
        }

        @Override
        public <R> R accept(ContractionVisitor<R> visitor) {
            return visitor.visit(this);
        }

        @Override
        public Optional<CondensedContraction> condensed() {
            return Optional.of(new CondensedContraction(
                    new Moments(),
                    (backend, moments, result) -> backend.reductions().total(moments.get(1), result)));
        }
    }

    /**
     * ⟨g_vn, g_wn⟩ for all pairs of columns of one sample, {@code [N, V, V]}, or for all pairs of columns and samples,
     * {@code [V·N, V·N]}.
     *
     * @param sameSample which of the two
     */
    record InnerProducts(boolean sameSample) implements Contraction {
        @Override
        public List<Shape> shapes(long columns, long samples, Shape parameter) {
            return List.of(
                    sameSample ? Shape.of(samples, columns, columns) : Shape.of(columns * samples, columns * samples));
        }

        @Override
        public ContractionRules rules() {
            return sameSample ? ContractionRules.INNER_PRODUCTS_PER_SAMPLE : ContractionRules.INNER_PRODUCTS;
        }

        @Override
        public <R> R accept(ContractionVisitor<R> visitor) {
            return visitor.visit(this);
        }
    }

    /**
     * ⟨T g_vn, T g_wn⟩ for all pairs of columns of one sample, {@code [N, V, V]}, T being a linear map. Without bases T
     * multiplies every element by a scale: T g = s ∘ g. With bases T g = s ∘ (Lᵀ g R), g being the matrices {@code [G,
     * O, I]} of Kronecker factors. With L and R eigenvectors of such factors and s one over the roots of their damped
     * eigenvalues, these are the inner products in the inverse of their product.
     *
     * @param map s, {@code *p}; with bases {@linkplain #mapShape one axis} with L {@code [G, O, O]}, R {@code [G, I,
     *     I]} and s {@code [G, O, I]}, one behind the other; without R if the input side is diagonal
     * @param bases the parameter's sizes, where T changes the bases
     */
    record MappedInnerProducts(Operand map, Optional<KroneckerSizes> bases) implements Contraction {

        /** The shape of the operand for a parameter. */
        public static Shape mapShape(Shape parameter, Optional<KroneckerSizes> bases) {
            return bases.map(sizes -> Shape.of(sizes.outputFactor().elements()
                            + (sizes.diagonalInputs() ? 0 : sizes.inputFactor().elements())
                            + parameter.elements()))
                    .orElse(parameter);
        }

        @Override
        public List<Shape> shapes(long columns, long samples, Shape parameter) {
            return List.of(Shape.of(samples, columns, columns));
        }

        @Override
        public ContractionRules rules() {
            return ContractionRules.MAPPED_INNER_PRODUCTS;
        }

        @Override
        public <R> R accept(ContractionVisitor<R> visitor) {
            return visitor.visit(this);
        }

        @Override
        public Optional<Operand> operand() {
            return Optional.of(map);
        }
    }

    /**
     * ⟨u_k, g_vn⟩: {@code [K, V, N]}.
     *
     * @param vectors {@code [K, *p]}
     * @param count K
     */
    record Dot(Operand vectors, int count) implements Contraction {
        @Override
        public List<Shape> shapes(long columns, long samples, Shape parameter) {
            return List.of(Shape.of(count, columns, samples));
        }

        @Override
        public int sampleAxis() {
            return 2;
        }

        @Override
        public ContractionRules rules() {
            return ContractionRules.DOT;
        }

        @Override
        public <R> R accept(ContractionVisitor<R> visitor) {
            return visitor.visit(this);
        }

        @Override
        public Optional<Operand> operand() {
            return Optional.of(vectors);
        }
    }

    /**
     * Σ_v Σ_n w_kvn g_vn: {@code [K, *p]}.
     *
     * @param weights {@code [K, V, N]}
     * @param count K
     */
    record WeightedSum(Operand weights, int count) implements Contraction {
        @Override
        public List<Shape> shapes(long columns, long samples, Shape parameter) {
            return List.of(parameter.prepend(count));
        }

        @Override
        public ContractionRules rules() {
            return ContractionRules.WEIGHTED_SUM;
        }

        @Override
        public <R> R accept(ContractionVisitor<R> visitor) {
            return visitor.visit(this);
        }

        @Override
        public Optional<Operand> operand() {
            return Optional.of(weights);
        }
    }

    /**
     * How many elements of all g_vn lie in each of equal bins: INT64 {@code [bins + 1]}, of which the last counts what
     * is NaN. Bins are those of gradients without the factor of the loss's reduction. See {@link
     * io.backpack4j.spi.backend.Bins} for which bin a number is in.
     *
     * @param bins their number
     * @param range {@code [2]}: the outer edges of the first and the last bin. What lies beyond counts there
     */
    record Histogram(int bins, Operand range) implements Contraction {
        @Override
        public List<Shape> shapes(long columns, long samples, Shape parameter) {
            return List.of(Shape.of(bins + 1));
        }

        @Override
        public ContractionRules rules() {
            return ContractionRules.HISTOGRAM;
        }

        @Override
        public <R> R accept(ContractionVisitor<R> visitor) {
            return visitor.visit(this);
        }

        @Override
        public Optional<Operand> operand() {
            return Optional.of(range);
        }
    }

    /**
     * How many pairs of an element of g_vn and the parameter's value there lie in each of the bins of both: INT64
     * {@code [gradientBins + 1, parameterBins + 1]}, of which the last row counts gradients that are NaN, and the last
     * column values that are. Every value counts V · N times. Bins are as of {@link Histogram}.
     *
     * @param gradientBins the number of bins of gradients
     * @param parameterBins the number of bins of the parameter's values
     * @param ranges {@code [2, 2]}: the outer edges of the gradients' bins, then those of the values'
     */
    record JointHistogram(int gradientBins, int parameterBins, Operand ranges) implements Contraction {
        @Override
        public List<Shape> shapes(long columns, long samples, Shape parameter) {
            return List.of(Shape.of(gradientBins + 1, parameterBins + 1));
        }

        @Override
        public ContractionRules rules() {
            return ContractionRules.JOINT_HISTOGRAM;
        }

        @Override
        public <R> R accept(ContractionVisitor<R> visitor) {
            return visitor.visit(this);
        }

        @Override
        public Optional<Operand> operand() {
            return Optional.of(ranges);
        }
    }

    /** Σ_v Σ_n g_vn g_vnᵀ: {@code [P, P]}, P being the number of the parameter's elements. */
    record OuterProducts() implements Contraction {
        @Override
        public List<Shape> shapes(long columns, long samples, Shape parameter) {
            return List.of(Shape.of(parameter.elements(), parameter.elements()));
        }

        @Override
        public ContractionRules rules() {
            return ContractionRules.OUTER_PRODUCTS;
        }

        @Override
        public <R> R accept(ContractionVisitor<R> visitor) {
            return visitor.visit(this);
        }
    }

    /**
     * The input side of a weight's Kronecker factors, for N samples not divided by N: Σ_n (1/S) Σ_s a aᵀ, Σ_n ā āᵀ or
     * Σ_ns a aᵀ by convention. It depends on no signal: ask for it with the {@code LossGradient}, so that equal
     * requests are one.
     *
     * @param sizes the parameter's
     * @param convention what positions count as
     * @param scale what all of it is multiplied by, 1 when an extension asks for it: a pass that knows N makes the mean
     */
    record InputFactor(KroneckerSizes sizes, KroneckerConvention convention, double scale) implements Contraction {

        /** The sum over samples as it is. */
        public InputFactor(KroneckerSizes sizes, KroneckerConvention convention) {
            this(sizes, convention, 1);
        }

        /** The same times a number. */
        public InputFactor scaled(double number) {
            return new InputFactor(sizes, convention, scale * number);
        }

        @Override
        public List<Shape> shapes(long columns, long samples, Shape parameter) {
            return List.of(sizes.inputFactor());
        }

        @Override
        public ContractionRules rules() {
            return ContractionRules.INPUT_FACTOR;
        }

        @Override
        public <R> R accept(ContractionVisitor<R> visitor) {
            return visitor.visit(this);
        }
    }

    /**
     * The output side of a weight's Kronecker factors: Σ_vns d dᵀ or Σ_vn (Σ_s d)(Σ_s d)ᵀ by convention.
     *
     * @param sizes the parameter's
     * @param convention what positions count as; {@link KroneckerConvention#BACKPACK} becomes {@link
     *     KroneckerConvention#REDUCE}, which is the same here
     */
    record OutputFactor(KroneckerSizes sizes, KroneckerConvention convention) implements Contraction {
        public OutputFactor {
            convention = convention == KroneckerConvention.BACKPACK ? KroneckerConvention.REDUCE : convention;
        }

        @Override
        public List<Shape> shapes(long columns, long samples, Shape parameter) {
            return List.of(sizes.outputFactor());
        }

        @Override
        public ContractionRules rules() {
            return ContractionRules.OUTPUT_FACTOR;
        }

        @Override
        public <R> R accept(ContractionVisitor<R> visitor) {
            return visitor.visit(this);
        }
    }
}
