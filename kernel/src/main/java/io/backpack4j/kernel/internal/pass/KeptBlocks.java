// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.pass;

import io.backpack4j.kernel.internal.layout.SiteLayout;
import io.backpack4j.spi.extension.Signal;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Derivatives of some blocks of columns that stay at all sites of a chunk, for later blocks of the same signal to meet:
 * each of these walks once for all of them, instead of together with each.
 */
final class KeptBlocks implements AutoCloseable {

    private final Map<Signal, Long> columns;
    private final Map<SiteLayout, List<PairSums.Waiting>> atSites = new HashMap<>();
    private final List<TensorScope> scopes = new ArrayList<>();

    /** @param columns of these signals, those before a column are kept */
    KeptBlocks(Map<Signal, Long> columns) {
        this.columns = columns;
    }

    /** Keeps none. */
    static KeptBlocks none() {
        return new KeptBlocks(Map.of());
    }

    /** Whether a block of columns is kept. */
    boolean keeps(Signal signal, Step step) {
        return step.block().fromColumn() < columns.getOrDefault(signal, 0L);
    }

    /** Keeps what lives in a scope. */
    void keep(TensorScope scope) {
        scopes.add(scope);
    }

    /** Keeps the derivatives at a site, if their block is one that stays. */
    void keep(SiteLayout site, PairSums.Waiting derivatives) {
        if (keeps(derivatives.signal(), derivatives.step())) {
            atSites.computeIfAbsent(site, absent -> new ArrayList<>()).add(derivatives);
        }
    }

    /** What earlier walks left at a site of a signal. */
    List<PairSums.Waiting> at(SiteLayout site, Signal signal) {
        return atSites.getOrDefault(site, List.of()).stream()
                .filter(kept -> kept.signal().equals(signal))
                .toList();
    }

    @Override
    public void close() {
        scopes.forEach(TensorScope::close);
        scopes.clear();
        atSites.clear();
    }
}
