// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.embedding;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.DirectForm;
import io.backpack4j.spi.module.GradientRows;
import io.backpack4j.spi.module.ParameterDerivatives;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The gradients of a table: g_vn = Σ_s e_ns ⊗ d_vns, e_ns being the unit vector of the row that sample n looks up at
 * position s, and d cotangents. What is kept are the cotangents added up per sample and row, {@code [V, N · S, dim]},
 * each at the first position that looks up its row and zero at the others: shapes do not depend on which rows these
 * are, and rows that do not occur cost nothing.
 */
final class LookupDerivatives extends ParameterDerivatives {

    private final Lookup lookup;
    private final Function<TensorScope, Tensor> cotangents;
    private final LookupForms forms;
    private @Nullable Occurrences occurrences;

    /**
     * Derivatives of one use.
     *
     * @param pooled whether a sample's rows make one output together
     * @param cotangents {@code [V, N · S, dim]}, zero at padding
     */
    LookupDerivatives(Backend backend, Shape table, Lookup lookup, boolean pooled, Tensor cotangents) {
        super(backend, table, cotangents.dtype(), cotangents.shape().size(0), lookup.samples());
        this.lookup = lookup;
        this.cotangents = scope -> cotangents;
        this.forms = new LookupForms(this, pooled);
    }

    /** Derivatives of several uses, whose cotangents are joined wherever they are needed. */
    private LookupDerivatives(LookupDerivatives first, Lookup lookup, Function<TensorScope, Tensor> cotangents) {
        super(first.backend(), first.parameter(), first.dtype(), first.columns(), first.samples());
        this.lookup = lookup;
        this.cotangents = cotangents;
        this.forms = new LookupForms(this, first.forms.isPooled());
    }

    Lookup lookup() {
        return lookup;
    }

    /**
     * The cotangents, {@code [V, N · S, dim]}.
     *
     * @param scope of those of several uses
     */
    Tensor cotangents(TensorScope scope) {
        return cotangents.apply(scope);
    }

    /** The length of a row. */
    long length() {
        return parameter().size(1);
    }

    Occurrences occurrences() {
        Occurrences known = occurrences;
        if (known == null) {
            known = Occurrences.of(lookup);
            occurrences = known;
        }
        return known;
    }

    /** The looked-up rows, {@code [N · S]}. */
    Tensor indices(TensorScope scope) {
        return lookup.indices()
                .map(indices -> scope.view(indices, Shape.of(lookup.count())))
                .orElseGet(() -> integers(scope, lookup.rows()));
    }

    Tensor integers(TensorScope scope, long[] numbers) {
        Tensor tensor = scope.allocate(Shape.of(numbers.length), DType.INT64);
        tensor.write(0, numbers, 0, numbers.length);
        return tensor;
    }

    /** Cotangents added up per sample and row, {@code [V, N · S, dim]}. */
    Tensor summed(TensorScope scope) {
        Tensor given = cotangents(scope);
        Tensor summed = scope.allocate(given.shape(), dtype());
        backend().elementwise().fill(summed, 0);
        Tensor first = integers(scope, occurrences().first());
        for (long column = 0; column < columns(); column++) {
            backend().indexing().addRows(column(scope, given, column), first, column(scope, summed, column));
        }
        return summed;
    }

    /** A column of {@code [V, rows, dim]}. */
    Tensor column(TensorScope scope, Tensor tensor, long column) {
        return scope.view(scope.rows(tensor, column, column + 1), tensor.shape().dropFirst(1));
    }

    @Override
    public void perSample(Block block, Tensor destination) {
        backend().elementwise().fill(destination, 0);
        int positions = lookup.positions();
        int from = Math.toIntExact(block.fromSample()) * positions;
        int to = Math.toIntExact(block.toSample()) * positions;
        long[] places = new long[to - from];
        for (int i = from; i < to; i++) {
            places[i - from] = (i / positions - block.fromSample()) * lookup.tableRows() + lookup.rows()[i];
        }
        try (TensorScope scope = backend().openScope()) {
            Tensor indices = integers(scope, places);
            Tensor targets =
                    scope.view(destination, Shape.of(block.columns(), block.samples() * lookup.tableRows(), length()));
            Tensor given = cotangents(scope);
            for (long column = block.fromColumn(); column < block.toColumn(); column++) {
                Tensor rows = scope.rows(column(scope, given, column), from, to);
                backend().indexing().addRows(rows, indices, column(scope, targets, column - block.fromColumn()));
            }
        }
    }

    @Override
    protected Optional<DirectForm> directForm(Contraction contraction) {
        return contraction.accept(forms);
    }

    /** Positions of all uses are positions of one lookup. */
    @Override
    protected Optional<ParameterDerivatives> joined(List<ParameterDerivatives> further) {
        List<LookupDerivatives> uses = new ArrayList<>(List.of(this));
        for (ParameterDerivatives use : further) {
            if (!(use instanceof LookupDerivatives other)) {
                return Optional.empty();
            }
            uses.add(other);
        }
        return Optional.of(joinedOf(uses));
    }

    private static LookupDerivatives joinedOf(List<LookupDerivatives> uses) {
        LookupDerivatives first = uses.get(0);
        LookupJoin join =
                new LookupJoin(uses.stream().map(LookupDerivatives::lookup).toList());
        return new LookupDerivatives(first, join.lookup(), scope -> {
            List<Tensor> parts = uses.stream().map(use -> use.cotangents(scope)).toList();
            return join.cotangents(first.backend(), scope, parts);
        });
    }

    @Override
    protected boolean addInnerProductsWith(ParameterDerivatives right, boolean sameSample, Tensor destination) {
        if (!(right instanceof LookupDerivatives other) || !other.lookup.isSame(lookup)) {
            return false;
        }
        new LookupInnerProducts(this, other).add(sameSample, destination);
        return true;
    }

    @Override
    protected Optional<GradientRows> rows(TensorScope scope) {
        long[] all = lookup.rows();
        Tensor given = cotangents(scope);
        return Optional.of(new GradientRows() {
            @Override
            public long count() {
                return lookup.tableRows();
            }

            @Override
            public void write(long from, long to, Tensor destination) {
                place(given, all, from, to, destination);
            }
        });
    }

    /**
     * Writes some rows of all gradients, zero where they do not occur.
     *
     * @param values {@code [V, N · S, dim]}: what is added
     * @param rows where, per position; others than {@code from} to {@code to} are left out
     * @param destination {@code [V · N, to − from, dim]}, overwritten
     */
    void place(Tensor values, long[] rows, long from, long to, Tensor destination) {
        long width = to - from;
        long nowhere = samples() * width;
        long[] places = new long[rows.length];
        for (int i = 0; i < places.length; i++) {
            boolean isWanted = rows[i] >= from && rows[i] < to;
            places[i] = isWanted ? i / lookup.positions() * width + rows[i] - from : nowhere;
        }
        try (TensorScope scope = backend().openScope()) {
            Tensor indices = integers(scope, places);
            // One more row takes what is not wanted: shapes must not depend on the rows.
            Tensor sums = scope.allocate(Shape.of(nowhere + 1, length()), dtype());
            Tensor targets = scope.view(destination, Shape.of(columns(), nowhere, length()));
            for (long column = 0; column < columns(); column++) {
                backend().elementwise().fill(sums, 0);
                backend().indexing().addRows(column(scope, values, column), indices, sums);
                backend().elementwise().copy(scope.rows(sums, 0, nowhere), column(scope, targets, column));
            }
        }
    }
}
