// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.layout;

import io.backpack4j.kernel.Request;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.extension.LossSignal;
import io.backpack4j.spi.extension.ResidualCurvature;
import io.backpack4j.spi.extension.Signal;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Wishes of one request at one parameter.
 *
 * @param request the request
 * @param accumulated its accumulated results by its own keys
 * @param partials the partial results that it fills itself, and those of diagonals, by its own keys
 * @param visits the signals at which it wants to be called, by stage
 * @param products the matrices of whose blocks it wants products, by its own keys
 * @param pairs the inner products of two signals that it wants of the parameter, by its own keys
 * @param groups those that it wants over groups of parameters, by the groups' names
 * @param operands what runs bring for it at this parameter, by name
 * @param diagonals the matrices whose diagonals are made by products, by the keys of the partial results that they
 *     become
 * @param residualIsZero whether it was told that nodes above have no curvature, and so may leave that out
 */
public record SiteRequest(
        Request<?> request,
        Map<String, AccumulatorKey> accumulated,
        Map<String, PartialKey> partials,
        Map<Integer, Set<Signal>> visits,
        Map<String, CurvatureMatrix> products,
        Map<String, PairKey> pairs,
        Map<String, PairKey> groups,
        Map<String, DeclaredOperand> operands,
        Map<String, CurvatureMatrix> diagonals,
        boolean residualIsZero) {

    /** Whether it declared nothing, and so leaves the parameter out. */
    public boolean isEmpty() {
        return accumulated.isEmpty()
                && partials.isEmpty()
                && visits.isEmpty()
                && products.isEmpty()
                && pairs.isEmpty()
                && groups.isEmpty();
    }

    /** The same with other accumulated results. */
    public SiteRequest withAccumulated(Map<String, AccumulatorKey> other) {
        return new SiteRequest(
                request, other, partials, visits, products, pairs, groups, operands, diagonals, residualIsZero);
    }

    /** Inner products of two signals, of the parameter and of groups. */
    public Stream<PairKey> allPairs() {
        return Stream.concat(pairs.values().stream(), groups.values().stream());
    }

    public boolean visits(int stage, Signal signal) {
        return visits.getOrDefault(stage, Set.of()).contains(signal);
    }

    /** Whether what it wants is an estimate from drawn columns, or part of it is. */
    public boolean isSampled() {
        return Stream.of(
                        accumulated.values().stream().map(AccumulatorKey::signal),
                        partials.values().stream().map(PartialKey::signal),
                        visits.values().stream().flatMap(Set::stream),
                        allPairs().flatMap(pair -> Stream.of(pair.left(), pair.right())))
                .flatMap(signals -> signals)
                .anyMatch(signal -> signal instanceof LossSignal source && source.isSampled());
    }

    /** Whether it wants the curvature of non-linear nodes. */
    public boolean wantsResidual() {
        return accumulated.values().stream().anyMatch(key -> key.signal() instanceof ResidualCurvature);
    }
}
