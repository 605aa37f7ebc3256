// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

/**
 * A visitor that does the same at all contractions but those whose methods it overrides. For behaviour that is right
 * for a contraction which does not exist yet, too; others implement {@link ContractionVisitor}.
 *
 * @param <R> what a visit gives
 */
public interface OtherwiseVisitor<R> extends ContractionVisitor<R> {

    /** Visits every contraction that has no method of its own. */
    R otherwise(Contraction contraction);

    @Override
    default R visit(Contraction.PerSample contraction) {
        return otherwise(contraction);
    }

    @Override
    default R visit(Contraction.LookedUpIds contraction) {
        return otherwise(contraction);
    }

    @Override
    default R visit(Contraction.LookedUpRows contraction) {
        return otherwise(contraction);
    }

    @Override
    default R visit(Contraction.Sum contraction) {
        return otherwise(contraction);
    }

    @Override
    default R visit(Contraction.Moments contraction) {
        return otherwise(contraction);
    }

    @Override
    default R visit(Contraction.SumOfSquares contraction) {
        return otherwise(contraction);
    }

    @Override
    default R visit(Contraction.SumOfSquaresOverPositions contraction) {
        return otherwise(contraction);
    }

    @Override
    default R visit(Contraction.SumOfSquaresPerSample contraction) {
        return otherwise(contraction);
    }

    @Override
    default R visit(Contraction.SquaredNorms contraction) {
        return otherwise(contraction);
    }

    @Override
    default R visit(Contraction.Extremes contraction) {
        return otherwise(contraction);
    }

    @Override
    default R visit(Contraction.Trace contraction) {
        return otherwise(contraction);
    }

    @Override
    default R visit(Contraction.TraceOverPositions contraction) {
        return otherwise(contraction);
    }

    @Override
    default R visit(Contraction.DotWithSum contraction) {
        return otherwise(contraction);
    }

    @Override
    default R visit(Contraction.CentredSquaredNorm contraction) {
        return otherwise(contraction);
    }

    @Override
    default R visit(Contraction.InnerProducts contraction) {
        return otherwise(contraction);
    }

    @Override
    default R visit(Contraction.MappedInnerProducts contraction) {
        return otherwise(contraction);
    }

    @Override
    default R visit(Contraction.Dot contraction) {
        return otherwise(contraction);
    }

    @Override
    default R visit(Contraction.WeightedSum contraction) {
        return otherwise(contraction);
    }

    @Override
    default R visit(Contraction.Histogram contraction) {
        return otherwise(contraction);
    }

    @Override
    default R visit(Contraction.JointHistogram contraction) {
        return otherwise(contraction);
    }

    @Override
    default R visit(Contraction.OuterProducts contraction) {
        return otherwise(contraction);
    }

    @Override
    default R visit(Contraction.InputFactor contraction) {
        return otherwise(contraction);
    }

    @Override
    default R visit(Contraction.OutputFactor contraction) {
        return otherwise(contraction);
    }
}
