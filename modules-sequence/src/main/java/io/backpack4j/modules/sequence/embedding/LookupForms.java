// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.embedding;

import static io.backpack4j.spi.backend.BinaryOperation.MAXIMUM;
import static io.backpack4j.spi.backend.BinaryOperation.MINIMUM;
import static io.backpack4j.spi.backend.BinaryOperation.MULTIPLY;
import static io.backpack4j.spi.backend.BinaryOperation.SUBTRACT;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.ContractionTask;
import io.backpack4j.spi.module.DirectForm;
import io.backpack4j.spi.module.DirectForms;
import io.backpack4j.spi.module.KroneckerConvention;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/** The contractions of a table's gradients that need no rows but those that occur. */
final class LookupForms implements DirectForms {

    private final LookupDerivatives derivatives;
    private final Backend backend;
    private final Elementwise ops;
    private final DType dtype;
    private final long columns;
    private final long samples;
    private final long count;
    private final long length;
    private final boolean pooled;

    /** @param pooled whether a sample's rows make one output together */
    LookupForms(LookupDerivatives derivatives, boolean pooled) {
        this.derivatives = derivatives;
        this.pooled = pooled;
        this.backend = derivatives.backend();
        this.ops = backend.elementwise();
        this.dtype = derivatives.dtype();
        this.columns = derivatives.columns();
        this.samples = derivatives.samples();
        this.count = derivatives.lookup().count();
        this.length = derivatives.length();
    }

    boolean isPooled() {
        return pooled;
    }

    private Optional<DirectForm> adding(BiConsumer<TensorScope, ContractionTask> computation) {
        return Optional.of(DirectForm.adding(task -> {
            try (TensorScope scope = backend.openScope()) {
                computation.accept(scope, task);
            }
        }));
    }

    @Override
    public Optional<DirectForm> visit(Contraction.LookedUpIds contraction) {
        return Optional.of(DirectForm.overwriting(task -> {
            var rows = SampleRows.of(derivatives.lookup(), contraction.rows(), wanted(contraction));
            long[] ids = rows.ids();
            task.destination().write(0, ids, 0, ids.length);
        }));
    }

    @Override
    public Optional<DirectForm> visit(Contraction.LookedUpRows contraction) {
        return Optional.of(DirectForm.overwriting(task -> {
            try (TensorScope scope = backend.openScope()) {
                var rows = SampleRows.of(derivatives.lookup(), contraction.rows(), wanted(contraction));
                addRows(scope, rows, contraction, task.destination());
            }
        }));
    }

    private long[] wanted(Contraction contraction) {
        return contraction
                .subsampling()
                .map(positions -> positions.stream().mapToLong(n -> n).toArray())
                .orElseGet(() -> LongStream.range(0, samples).toArray());
    }

    private void addRows(TensorScope scope, SampleRows rows, Contraction contraction, Tensor destination) {
        ops.fill(destination, 0);
        Tensor targets = scope.view(destination, Shape.of(columns, rows.ids().length, length));
        Tensor slots = derivatives.integers(scope, rows.slots());
        Tensor positions = derivatives.integers(scope, rows.positions());
        Tensor cotangents = derivatives.cotangents(scope);
        for (long column = 0; column < columns; column++) {
            try (TensorScope step = backend.openScope()) {
                Tensor given = derivatives.column(step, cotangents, column);
                if (contraction.subsampling().isPresent()) {
                    Tensor chosen = step.allocate(Shape.of(rows.positions().length, length), dtype);
                    backend.indexing().gatherRows(given, positions, chosen);
                    given = chosen;
                }
                backend.indexing().addRows(given, slots, derivatives.column(step, targets, column));
            }
        }
    }

    @Override
    public Optional<DirectForm> visit(Contraction.Sum contraction) {
        return adding((scope, task) -> {
            Tensor indices = derivatives.indices(scope);
            Tensor cotangents = derivatives.cotangents(scope);
            for (long column = 0; column < columns; column++) {
                Tensor target = derivatives.column(scope, task.destination(), column);
                Tensor rows = derivatives.column(scope, cotangents, column);
                backend.indexing().addRows(rows, indices, target);
            }
        });
    }

    @Override
    public Optional<DirectForm> visit(Contraction.SquaredNorms contraction) {
        return adding((scope, task) -> {
            Tensor rows = scope.view(derivatives.summed(scope), Shape.of(columns * count, length));
            Tensor norms = scope.allocate(Shape.of(columns * count), dtype);
            backend.contractions().rowDots(rows, rows, norms);
            Tensor byPosition = scope.view(
                    norms, Shape.of(columns, samples, derivatives.lookup().positions()));
            backend.reductions().reduce(Reduction.SUM, byPosition, 2, 3, task.destination());
        });
    }

    @Override
    public Optional<DirectForm> visit(Contraction.SumOfSquares contraction) {
        return adding((scope, task) -> {
            Tensor squares = squares(scope, derivatives.summed(scope), task.operand());
            backend.indexing().addRows(squares, derivatives.indices(scope), task.destination());
        });
    }

    @Override
    public Optional<DirectForm> visit(Contraction.SumOfSquaresOverPositions contraction) {
        return adding((scope, task) -> {
            Tensor cotangents = derivatives.cotangents(scope);
            Tensor copy = scope.allocate(cotangents.shape(), dtype);
            ops.copy(cotangents, copy);
            Tensor squares = squares(scope, copy, task.operand());
            backend.indexing().addRows(squares, derivatives.indices(scope), task.destination());
        });
    }

    @Override
    public Optional<DirectForm> visit(Contraction.TraceOverPositions contraction) {
        return adding((scope, task) -> {
            Tensor all = scope.view(derivatives.cotangents(scope), Shape.of(1, columns * count * length));
            Tensor sum = scope.allocate(Shape.of(1), dtype);
            backend.contractions().rowDots(all, all, sum);
            ops.addScaled(1, scope.view(sum, Shape.of()), task.destination());
        });
    }

    @Override
    public Optional<DirectForm> visit(Contraction.SumOfSquaresPerSample contraction) {
        return adding((scope, task) -> {
            Tensor squares = squares(scope, derivatives.summed(scope), task.operand());
            long[] rows = derivatives.lookup().rows();
            long tableRows = derivatives.lookup().tableRows();
            long[] places = new long[rows.length];
            for (int i = 0; i < places.length; i++) {
                places[i] = i / derivatives.lookup().positions() * tableRows + rows[i];
            }
            Tensor target = scope.view(task.destination(), Shape.of(samples * tableRows, length));
            backend.indexing().addRows(squares, derivatives.integers(scope, places), target);
        });
    }

    /** Σ_v w_vn x_vn², {@code [N · S, dim]}; overwrites x, {@code [V, N · S, dim]}. */
    private Tensor squares(TensorScope scope, Tensor x, @Nullable Tensor weights) {
        ops.apply(UnaryOperation.SQUARE, x, x);
        long perSample = derivatives.lookup().positions() * length;
        if (weights != null) {
            Tensor bySample = scope.view(x, Shape.of(columns * samples, perSample));
            ops.combine(MULTIPLY, bySample, scope.view(weights, Shape.of(columns * samples, 1)), bySample);
        }
        return overColumns(scope, x);
    }

    private Tensor overColumns(TensorScope scope, Tensor x) {
        if (columns == 1) {
            return derivatives.column(scope, x, 0);
        }
        Tensor sum = scope.allocate(Shape.of(count, length), dtype);
        backend.reductions().reduce(Reduction.SUM, x, 0, 1, sum);
        return sum;
    }

    /**
     * Σ g, then Σ (g − mean)²: rows that occur in k of N samples have V · k differences from their mean, and V (N − k)
     * times the mean itself. Nothing cancels.
     */
    @Override
    public Optional<DirectForm> visit(Contraction.Moments contraction) {
        return adding((scope, task) -> {
            Tensor indices = derivatives.indices(scope);
            Tensor total = task.destinations().get(0);
            Tensor squares = task.destinations().get(1);
            Tensor summed = derivatives.summed(scope);
            Tensor ofColumns = overColumns(scope, summed);
            backend.indexing().addRows(ofColumns, indices, total);
            Tensor means = scope.allocate(Shape.of(count, length), dtype);
            backend.indexing().gatherRows(total, indices, means);
            ops.affine(means, 1.0 / Math.max(1, columns * samples), 0, means);
            ops.combine(SUBTRACT, summed, means, summed);
            ops.combine(MULTIPLY, summed, weights(scope, true), summed);
            backend.indexing().addRows(squares(scope, summed, null), indices, squares);
            ops.apply(UnaryOperation.SQUARE, means, means);
            ops.combine(MULTIPLY, means, weights(scope, false), means);
            backend.indexing().addRows(means, indices, squares);
        });
    }

    /**
     * {@code [N · S, 1]}: 1 at the first position of a sample with its row; or how many gradients lack a row, at its
     * first position in the batch.
     */
    private Tensor weights(TensorScope scope, boolean present) {
        Occurrences occurrences = derivatives.occurrences();
        double[] weights = new double[Math.toIntExact(count)];
        for (int i = 0; i < weights.length; i++) {
            if (present) {
                weights[i] = occurrences.isFirst(i) ? 1 : 0;
            } else if (occurrences.isFirstOfBatch()[i]) {
                weights[i] =
                        columns * (samples - occurrences.samples()[occurrences.ranks()[i]]);
            }
        }
        return backend.upload(scope, Shape.of(count, 1), dtype, weights);
    }

    /** A gradient has zeros if its sample does not look up all rows. */
    @Override
    public Optional<DirectForm> visit(Contraction.Extremes contraction) {
        return adding((scope, task) -> {
            if (columns * samples == 0) {
                return;
            }
            Tensor found = scope.allocate(Shape.of(3), dtype);
            Tensor smallest = scope.view(scope.rows(found, 0, 1), Shape.of());
            Tensor largest = scope.view(scope.rows(found, 1, 2), Shape.of());
            Tensor magnitude = scope.view(scope.rows(found, 2, 3), Shape.of());
            ops.fill(found, 0);
            if (count > 0) {
                reduceSums(scope, smallest, largest);
            }
            if (derivatives.occurrences().fewest() < derivatives.lookup().tableRows()) {
                Tensor zero = scope.allocate(Shape.of(), dtype);
                ops.fill(zero, 0);
                ops.combine(MINIMUM, smallest, zero, smallest);
                ops.combine(MAXIMUM, largest, zero, largest);
            }
            ops.affine(smallest, -1, 0, smallest);
            ops.combine(MAXIMUM, smallest, largest, magnitude);
            ops.combine(MAXIMUM, task.destination(), found, task.destination());
        });
    }

    /** Positions with the same row show its sum, so that there are no other zeros. */
    private void reduceSums(TensorScope scope, Tensor smallest, Tensor largest) {
        Tensor summed = derivatives.summed(scope);
        Tensor shown = scope.allocate(summed.shape(), dtype);
        Tensor first = derivatives.integers(scope, derivatives.occurrences().first());
        for (long column = 0; column < columns; column++) {
            Tensor target = derivatives.column(scope, shown, column);
            backend.indexing().gatherRows(derivatives.column(scope, summed, column), first, target);
        }
        backend.reductions().reduce(Reduction.MINIMUM, shown, 0, 3, smallest);
        backend.reductions().reduce(Reduction.MAXIMUM, shown, 0, 3, largest);
    }

    @Override
    public Optional<DirectForm> visit(Contraction.InnerProducts contraction) {
        return Optional.of(DirectForm.adding(task -> {
            ops.fill(task.destination(), 0);
            new LookupInnerProducts(derivatives, derivatives).add(contraction.sameSample(), task.destination());
        }));
    }

    @Override
    public Optional<DirectForm> visit(Contraction.Dot contraction) {
        return adding((scope, task) -> {
            Tensor vectors = task.requiredOperand();
            long vectorCount = vectors.shape().size(0);
            Shape bySample = Shape.of(samples, derivatives.lookup().positions() * length);
            Tensor rows = scope.allocate(Shape.of(count, length), dtype);
            Tensor flat = scope.view(task.destination(), Shape.of(vectorCount * columns, samples));
            Tensor cotangents = derivatives.cotangents(scope);
            Tensor indices = derivatives.indices(scope);
            for (long k = 0; k < vectorCount; k++) {
                Tensor vector = derivatives.column(scope, vectors, k);
                backend.indexing().gatherRows(vector, indices, rows);
                for (long v = 0; v < columns; v++) {
                    long row = k * columns + v;
                    Tensor target = scope.view(scope.rows(flat, row, row + 1), Shape.of(samples));
                    Tensor gradients = derivatives.column(scope, cotangents, v);
                    backend.contractions().rowDots(scope.view(gradients, bySample), scope.view(rows, bySample), target);
                }
            }
        });
    }

    @Override
    public Optional<DirectForm> visit(Contraction.WeightedSum contraction) {
        return adding((scope, task) -> {
            Tensor weights = task.requiredOperand();
            long sums = weights.shape().size(0);
            long batch = columns * samples;
            Tensor ofSums = scope.view(weights, Shape.of(sums * batch, 1));
            Tensor scaled = scope.allocate(Shape.of(columns, count, length), dtype);
            Shape bySample = Shape.of(batch, derivatives.lookup().positions() * length);
            Tensor cotangents = derivatives.cotangents(scope);
            Tensor indices = derivatives.indices(scope);
            for (long k = 0; k < sums; k++) {
                try (TensorScope step = backend.openScope()) {
                    Tensor own = step.rows(ofSums, k * batch, (k + 1) * batch);
                    Tensor target = step.view(scaled, bySample);
                    ops.combine(MULTIPLY, step.view(cotangents, bySample), own, target);
                    Tensor rows = overColumns(step, scaled);
                    Tensor destination = derivatives.column(step, task.destination(), k);
                    backend.indexing().addRows(rows, indices, destination);
                }
            }
        });
    }

    /**
     * Unit vectors make a diagonal: how often every row is looked up, padding never, and with {@code expand} divided by
     * S.
     */
    @Override
    public Optional<DirectForm> visit(Contraction.InputFactor factor) {
        requireFactors(factor.convention());
        return adding((scope, task) -> {
            Lookup lookup = derivatives.lookup();
            boolean expands = factor.convention() == KroneckerConvention.EXPAND;
            double share = factor.scale() / (expands ? Math.max(1, lookup.positions()) : 1);
            double[] counts = lookup.factors(false);
            for (int i = 0; i < counts.length; i++) {
                counts[i] *= share;
            }
            Tensor rows = backend.upload(scope, Shape.of(count), dtype, counts);
            backend.indexing().addRows(rows, derivatives.indices(scope), task.destination());
        });
    }

    /** Σ d dᵀ of all positions, or of sums over those of a sample. */
    @Override
    public Optional<DirectForm> visit(Contraction.OutputFactor factor) {
        boolean summed = factor.convention() != KroneckerConvention.EXPAND;
        if (pooled) {
            requireFactors(factor.convention());
        }
        return adding((scope, task) -> {
            Shape vectors = Shape.of(columns * samples, 1, derivatives.lookup().positions(), length);
            Tensor target = scope.view(task.destination(), Shape.of(1, length, length));
            backend.products().addGram(scope.view(derivatives.cotangents(scope), vectors), true, summed, 1, target);
        });
    }

    private void requireFactors(KroneckerConvention convention) {
        if (pooled) {
            throw new BackpackException(
                    CommonProblems.UNSUPPORTED_MODULE,
                    "An EmbeddingBag has no Kronecker factors, because it mixes the rows of a sample before anything is multiplied. Leave its weight out with parameters=[…], or ask for a diagonal.");
        }
        if (convention == KroneckerConvention.REDUCE) {
            throw new BackpackException(
                    CommonProblems.UNSUPPORTED_MODULE,
                    "An Embedding has no Kronecker factors with convention=reduce, because sums of unit vectors make a dense matrix of all rows. Use convention=expand, or leave its weight out with parameters=[…].");
        }
    }
}
