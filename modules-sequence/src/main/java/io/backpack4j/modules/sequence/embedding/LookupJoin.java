// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.embedding;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.Optional;

/**
 * Several lookups of the same table and samples as one, with the positions of all, sample by sample.
 *
 * @param lookups at least one
 * @param lookup all of them
 */
record LookupJoin(List<Lookup> lookups, Lookup lookup) {

    LookupJoin(List<Lookup> lookups) {
        this(lookups, joined(lookups));
    }

    /** Padding of some uses only is a row like others for the rest: its cotangents are zero anyway. */
    private static Lookup joined(List<Lookup> lookups) {
        Lookup first = lookups.get(0);
        int width = lookups.stream().mapToInt(Lookup::positions).sum();
        long[] rows = new long[first.samples() * width];
        int from = 0;
        for (Lookup own : lookups) {
            for (int n = 0; n < own.samples(); n++) {
                System.arraycopy(own.rows(), n * own.positions(), rows, n * width + from, own.positions());
            }
            from += own.positions();
        }
        boolean same = lookups.stream().allMatch(other -> other.padding() == first.padding());
        return new Lookup(
                Optional.empty(), rows, first.samples(), width, first.tableRows(), same ? first.padding() : -1);
    }

    /**
     * Joins cotangents.
     *
     * @param owner of the result, {@code [V, N · ΣS, dim]}
     * @param parts {@code [V, N · S, dim]} of every lookup
     */
    Tensor cotangents(Backend backend, TensorScope owner, List<Tensor> parts) {
        Shape shape = parts.get(0).shape();
        long length = shape.size(2);
        long bags = shape.size(0) * lookup.samples();
        Tensor joined =
                owner.allocate(shape.with(1, lookup.count()), parts.get(0).dtype());
        try (TensorScope scope = backend.openScope()) {
            Tensor target = scope.view(joined, Shape.of(bags, lookup.positions(), length));
            long from = 0;
            for (int i = 0; i < parts.size(); i++) {
                long width = lookups.get(i).positions();
                Tensor part = scope.view(parts.get(i), Shape.of(bags, width, length));
                backend.indexing().insert(part, Region.all(target.shape()).with(1, from, width), target);
                from += width;
            }
        }
        return joined;
    }
}
