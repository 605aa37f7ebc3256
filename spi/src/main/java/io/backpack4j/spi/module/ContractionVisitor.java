// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

/**
 * One method for every {@link Contraction}: a new contraction does not compile until every visitor says what becomes of
 * it.
 *
 * @param <R> what a visit gives
 */
public interface ContractionVisitor<R> {

    /** Visits {@link Contraction.PerSample}. */
    R visit(Contraction.PerSample contraction);

    /** Visits {@link Contraction.LookedUpIds}. */
    R visit(Contraction.LookedUpIds contraction);

    /** Visits {@link Contraction.LookedUpRows}. */
    R visit(Contraction.LookedUpRows contraction);

    /** Visits {@link Contraction.Sum}. */
    R visit(Contraction.Sum contraction);

    /** Visits {@link Contraction.Moments}. */
    R visit(Contraction.Moments contraction);

    /** Visits {@link Contraction.SumOfSquares}. */
    R visit(Contraction.SumOfSquares contraction);

    /** Visits {@link Contraction.SumOfSquaresOverPositions}. */
    R visit(Contraction.SumOfSquaresOverPositions contraction);

    /** Visits {@link Contraction.SumOfSquaresPerSample}. */
    R visit(Contraction.SumOfSquaresPerSample contraction);

    /** Visits {@link Contraction.SquaredNorms}. */
    R visit(Contraction.SquaredNorms contraction);

    /** Visits {@link Contraction.Extremes}. */
    R visit(Contraction.Extremes contraction);

    /** Visits {@link Contraction.Trace}. */
    R visit(Contraction.Trace contraction);

    /** Visits {@link Contraction.TraceOverPositions}. */
    R visit(Contraction.TraceOverPositions contraction);

    /** Visits {@link Contraction.DotWithSum}. */
    R visit(Contraction.DotWithSum contraction);

    /** Visits {@link Contraction.CentredSquaredNorm}. */
    R visit(Contraction.CentredSquaredNorm contraction);

    /** Visits {@link Contraction.InnerProducts}. */
    R visit(Contraction.InnerProducts contraction);

    /** Visits {@link Contraction.MappedInnerProducts}. */
    R visit(Contraction.MappedInnerProducts contraction);

    /** Visits {@link Contraction.Dot}. */
    R visit(Contraction.Dot contraction);

    /** Visits {@link Contraction.WeightedSum}. */
    R visit(Contraction.WeightedSum contraction);

    /** Visits {@link Contraction.Histogram}. */
    R visit(Contraction.Histogram contraction);

    /** Visits {@link Contraction.JointHistogram}. */
    R visit(Contraction.JointHistogram contraction);

    /** Visits {@link Contraction.OuterProducts}. */
    R visit(Contraction.OuterProducts contraction);

    /** Visits {@link Contraction.InputFactor}. */
    R visit(Contraction.InputFactor contraction);

    /** Visits {@link Contraction.OutputFactor}. */
    R visit(Contraction.OutputFactor contraction);
}
