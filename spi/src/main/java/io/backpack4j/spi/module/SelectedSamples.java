// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.Optional;

/** The derivatives of some samples, in an order of their own. */
final class SelectedSamples extends ParameterDerivatives {

    private final ParameterDerivatives all;
    private final List<Integer> positions;

    SelectedSamples(ParameterDerivatives all, List<Integer> positions) {
        super(all.backend(), all.parameter(), all.dtype(), all.columns(), positions.size());
        this.all = all;
        this.positions = List.copyOf(positions);
    }

    @Override
    public void perSample(Block block, Tensor destination) {
        try (TensorScope scope = backend().openScope()) {
            Tensor rows = scope.view(destination, parameter().prepend(block.columns() * block.samples()));
            for (long column = block.fromColumn(); column < block.toColumn(); column++) {
                for (long from = block.fromSample(); from < block.toSample(); ) {
                    long to = endOfRun(from, block.toSample());
                    long first = (column - block.fromColumn()) * block.samples() + from - block.fromSample();
                    long sample = positions.get((int) from);
                    Tensor target = scope.rows(rows, first, first + to - from);
                    all.perSample(
                            new Block(column, column + 1, sample, sample + to - from),
                            scope.view(target, parameter().prepend(1, to - from)));
                    from = to;
                }
            }
        }
    }

    private long endOfRun(long from, long end) {
        long to = from + 1;
        while (to < end && positions.get((int) to) == positions.get((int) to - 1) + 1) {
            to++;
        }
        return to;
    }

    @Override
    protected Optional<GradientRows> rows(TensorScope scope) {
        return all.rows(scope).map(rows -> new Selection(rows, rowNumbers(scope)));
    }

    /** The numbers of the selected rows in {@code [V·N, …]}. */
    private Tensor rowNumbers(TensorScope scope) {
        int count = positions.size();
        long[] numbers = new long[Math.toIntExact(columns() * count)];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = i / count * all.samples() + positions.get(i % count);
        }
        Tensor indices = scope.allocate(Shape.of(numbers.length), DType.INT64);
        indices.write(0, numbers, 0, numbers.length);
        return indices;
    }

    private final class Selection implements GradientRows {

        private final GradientRows rows;
        private final Tensor selected;

        Selection(GradientRows rows, Tensor selected) {
            this.rows = rows;
            this.selected = selected;
        }

        @Override
        public long count() {
            return rows.count();
        }

        @Override
        public void write(long from, long to, Tensor destination) {
            try (TensorScope scope = backend().openScope()) {
                Tensor ofAll = scope.allocate(destination.shape().with(0, columns() * all.samples()), dtype());
                rows.write(from, to, ofAll);
                backend().indexing().gatherRows(ofAll, selected, destination);
            }
        }
    }
}
