package io.backpack4j.spi.module;

import java.util.Optional;

/** The direct forms that some derivatives have: none, unless a method says otherwise. */
public interface DirectForms extends ContractionVisitor<Optional<DirectForm>> {

    @Override
    default Optional<DirectForm> visit(Contraction.PerSample contraction) {
        return Optional.empty();
    }

    @Override
    default Optional<DirectForm> visit(Contraction.Sum contraction) {
        return Optional.empty();
    }

    @Override
    default Optional<DirectForm> visit(Contraction.Moments contraction) {
        return Optional.empty();
    }

    @Override
    default Optional<DirectForm> visit(Contraction.SumOfSquares contraction) {
        return Optional.empty();
    }

    @Override
    default Optional<DirectForm> visit(Contraction.SumOfSquaresOverPositions contraction) {
        return Optional.empty();
    }

    @Override
    default Optional<DirectForm> visit(Contraction.SumOfSquaresPerSample contraction) {
        return Optional.empty();
    }

    @Override
    default Optional<DirectForm> visit(Contraction.SquaredNorms contraction) {
        return Optional.empty();
    }

    @Override
    default Optional<DirectForm> visit(Contraction.Extremes contraction) {
        return Optional.empty();
    }

    @Override
    default Optional<DirectForm> visit(Contraction.Trace contraction) {
        return Optional.empty();
    }

    @Override
    default Optional<DirectForm> visit(Contraction.TraceOverPositions contraction) {
        return Optional.empty();
    }

    @Override
    default Optional<DirectForm> visit(Contraction.DotWithSum contraction) {
        return Optional.empty();
    }

    @Override
    default Optional<DirectForm> visit(Contraction.CentredSquaredNorm contraction) {
        return Optional.empty();
    }

    @Override
    default Optional<DirectForm> visit(Contraction.InnerProducts contraction) {
        return Optional.empty();
    }

    @Override
    default Optional<DirectForm> visit(Contraction.Dot contraction) {
        return Optional.empty();
    }

    @Override
    default Optional<DirectForm> visit(Contraction.WeightedSum contraction) {
        return Optional.empty();
    }

    @Override
    default Optional<DirectForm> visit(Contraction.Histogram contraction) {
        return Optional.empty();
    }

    @Override
    default Optional<DirectForm> visit(Contraction.JointHistogram contraction) {
        return Optional.empty();
    }

    @Override
    default Optional<DirectForm> visit(Contraction.OuterProducts contraction) {
        return Optional.empty();
    }

    @Override
    default Optional<DirectForm> visit(Contraction.InputFactor contraction) {
        return Optional.empty();
    }

    @Override
    default Optional<DirectForm> visit(Contraction.OutputFactor contraction) {
        return Optional.empty();
    }
}
