// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.layout;

import io.backpack4j.kernel.Request;
import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.Signal;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * Which signals meet at which parameters, and over which groups of these their inner products are added up. Immutable.
 */
public final class PairLayout {

    private final List<Set<GroupKey>> atSites = new ArrayList<>();
    private final Map<Request<?>, Map<String, GroupKey>> groups = new HashMap<>();

    PairLayout(List<SiteLayout> sites) {
        Map<Request<?>, Map<String, List<String>>> members = new HashMap<>();
        Map<Request<?>, Map<String, PairKey>> pairs = new HashMap<>();
        for (SiteLayout site : sites) {
            for (SiteRequest request : site.requests()) {
                request.groups().forEach((name, pair) -> {
                    members.computeIfAbsent(request.request(), absent -> new LinkedHashMap<>())
                            .computeIfAbsent(name, absent -> new ArrayList<>())
                            .add(site.parameter());
                    pairs.computeIfAbsent(request.request(), absent -> new HashMap<>())
                            .put(name, pair);
                });
            }
        }
        members.forEach((request, byName) -> {
            Map<String, GroupKey> own = new LinkedHashMap<>();
            byName.forEach((name, parameters) -> own.put(
                    name,
                    new GroupKey(
                            Objects.requireNonNull(
                                    Objects.requireNonNull(pairs.get(request)).get(name)),
                            parameters)));
            groups.put(request, own);
        });
        for (SiteLayout site : sites) {
            Set<GroupKey> here = new LinkedHashSet<>();
            for (SiteRequest request : site.requests()) {
                request.pairs().values().forEach(pair -> here.add(ofSite(site, pair)));
                Map<String, GroupKey> own = groups.getOrDefault(request.request(), Map.of());
                request.groups().keySet().forEach(name -> here.add(Objects.requireNonNull(own.get(name))));
            }
            atSites.add(here);
        }
    }

    /** A parameter's own result. */
    public static GroupKey ofSite(SiteLayout site, PairKey pair) {
        return new GroupKey(pair, List.of(site.parameter()));
    }

    /** A request's groups by its own names. */
    public Map<String, GroupKey> groups(Request<?> request) {
        return groups.getOrDefault(request, Map.of());
    }

    /** The sums that a site is part of. */
    public Set<GroupKey> at(SiteLayout site) {
        return atSites.get(site.index());
    }

    /** Whether a signal meets another, or itself, at a site in a stage. */
    public boolean meets(int stage, SiteLayout site, Signal signal) {
        for (GroupKey group : at(site)) {
            if (group.pair().stage() == stage && group.pair().involves(signal)) {
                return true;
            }
        }
        return false;
    }

    /** Whether a signal with several columns meets itself anywhere. */
    public boolean meetItself() {
        return atSites.stream()
                .flatMap(Set::stream)
                .map(GroupKey::pair)
                .anyMatch(pair -> pair.isOfOneSignal() && !(pair.left() instanceof LossGradient));
    }

    /** Whether two signals meet anywhere in a stage. */
    public boolean meet(int stage, Signal first, Signal second) {
        return atSites.stream()
                .flatMap(Set::stream)
                .map(GroupKey::pair)
                .anyMatch(pair -> pair.stage() == stage
                        && ((pair.left().equals(first) && pair.right().equals(second))
                                || (pair.left().equals(second) && pair.right().equals(first))));
    }
}
