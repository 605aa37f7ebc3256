// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

/** How a contraction of a parameter comes from those of its blocks of rows. */
sealed interface StackedAssembly {

    /** Blocks have rows of the result, which has axes of the parameter behind {@code axis} others. */
    record Rows(int axis) implements StackedAssembly {}

    /** Blocks' results add: a parameter's product with itself has no terms of two blocks. */
    record Added(boolean slicesOperand) implements StackedAssembly {}

    /**
     * Blocks have groups of a Kronecker factor.
     *
     * @param ofPart what to ask a block for
     * @param groups how many a block has
     */
    record Groups(Contraction ofPart, long groups) implements StackedAssembly {}

    /** The result has terms of two blocks. */
    record Whole() implements StackedAssembly {}

    /**
     * Says how.
     *
     * @param parts the number of blocks
     */
    record Of(int parts) implements OtherwiseVisitor<StackedAssembly> {

        @Override
        public StackedAssembly otherwise(Contraction contraction) {
            return new Whole();
        }

        @Override
        public StackedAssembly visit(Contraction.PerSample contraction) {
            return new Rows(2);
        }

        @Override
        public StackedAssembly visit(Contraction.Sum contraction) {
            return new Rows(1);
        }

        @Override
        public StackedAssembly visit(Contraction.Moments contraction) {
            return new Rows(0);
        }

        @Override
        public StackedAssembly visit(Contraction.SumOfSquares contraction) {
            return new Rows(0);
        }

        @Override
        public StackedAssembly visit(Contraction.SumOfSquaresOverPositions contraction) {
            return new Rows(0);
        }

        @Override
        public StackedAssembly visit(Contraction.SumOfSquaresPerSample contraction) {
            return new Rows(1);
        }

        @Override
        public StackedAssembly visit(Contraction.SquaredNorms contraction) {
            return new Added(false);
        }

        @Override
        public StackedAssembly visit(Contraction.Trace contraction) {
            return new Added(false);
        }

        @Override
        public StackedAssembly visit(Contraction.TraceOverPositions contraction) {
            return new Added(false);
        }

        @Override
        public StackedAssembly visit(Contraction.DotWithSum contraction) {
            return new Added(true);
        }

        @Override
        public StackedAssembly visit(Contraction.InnerProducts contraction) {
            return new Added(false);
        }

        @Override
        public StackedAssembly visit(Contraction.Dot contraction) {
            return new Added(true);
        }

        @Override
        public StackedAssembly visit(Contraction.WeightedSum contraction) {
            return new Rows(1);
        }

        @Override
        public StackedAssembly visit(Contraction.InputFactor contraction) {
            KroneckerSizes sizes = contraction.sizes().unstacked(parts);
            return new Groups(
                    new Contraction.InputFactor(sizes, contraction.convention(), contraction.scale()), sizes.groups());
        }

        @Override
        public StackedAssembly visit(Contraction.OutputFactor contraction) {
            KroneckerSizes sizes = contraction.sizes().unstacked(parts);
            return new Groups(new Contraction.OutputFactor(sizes, contraction.convention()), sizes.groups());
        }
    }
}
