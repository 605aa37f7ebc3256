// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend;

/**
 * One method for every {@link TileConsumer}: a new consumer does not compile until every visitor says what becomes of
 * it.
 *
 * @param <R> what a visit gives
 */
public interface TileConsumerVisitor<R> {

    /** Visits {@link TileConsumer.Sum}. */
    R visit(TileConsumer.Sum consumer);

    /** Visits {@link TileConsumer.SumOfSquares}. */
    R visit(TileConsumer.SumOfSquares consumer);

    /** Visits {@link TileConsumer.SumOfSquaresPerSample}. */
    R visit(TileConsumer.SumOfSquaresPerSample consumer);

    /** Visits {@link TileConsumer.SquaredNorms}. */
    R visit(TileConsumer.SquaredNorms consumer);

    /** Visits {@link TileConsumer.Extremes}. */
    R visit(TileConsumer.Extremes consumer);

    /** Visits {@link TileConsumer.Copy}. */
    R visit(TileConsumer.Copy consumer);

    /** Visits {@link TileConsumer.Dot}. */
    R visit(TileConsumer.Dot consumer);

    /** Visits {@link TileConsumer.DotWithSum}. */
    R visit(TileConsumer.DotWithSum consumer);

    /** Visits {@link TileConsumer.WeightedSum}. */
    R visit(TileConsumer.WeightedSum consumer);

    /** Visits {@link TileConsumer.Histogram}. */
    R visit(TileConsumer.Histogram consumer);

    /** Visits {@link TileConsumer.JointHistogram}. */
    R visit(TileConsumer.JointHistogram consumer);

    /**
     * A visitor for code that treats some consumers in a way of its own, such as a backend that fuses what it is fast
     * at and leaves the rest to the portable form.
     *
     * @param <R> what a visit gives
     */
    interface OfSome<R> extends TileConsumerVisitor<R> {

        /** Visits every consumer without a method of its own. */
        R visitOther(TileConsumer consumer);

        @Override
        default R visit(TileConsumer.Sum consumer) {
            return visitOther(consumer);
        }

        @Override
        default R visit(TileConsumer.SumOfSquares consumer) {
            return visitOther(consumer);
        }

        @Override
        default R visit(TileConsumer.SumOfSquaresPerSample consumer) {
            return visitOther(consumer);
        }

        @Override
        default R visit(TileConsumer.SquaredNorms consumer) {
            return visitOther(consumer);
        }

        @Override
        default R visit(TileConsumer.Extremes consumer) {
            return visitOther(consumer);
        }

        @Override
        default R visit(TileConsumer.Copy consumer) {
            return visitOther(consumer);
        }

        @Override
        default R visit(TileConsumer.Dot consumer) {
            return visitOther(consumer);
        }

        @Override
        default R visit(TileConsumer.DotWithSum consumer) {
            return visitOther(consumer);
        }

        @Override
        default R visit(TileConsumer.WeightedSum consumer) {
            return visitOther(consumer);
        }

        @Override
        default R visit(TileConsumer.Histogram consumer) {
            return visitOther(consumer);
        }

        @Override
        default R visit(TileConsumer.JointHistogram consumer) {
            return visitOther(consumer);
        }
    }
}
