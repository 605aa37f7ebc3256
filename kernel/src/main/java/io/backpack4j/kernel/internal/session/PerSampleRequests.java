// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.session;

import io.backpack4j.kernel.PerSample;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.SampleIds;
import io.backpack4j.kernel.SessionOptions;
import io.backpack4j.kernel.internal.layout.AccumulatorKey;
import io.backpack4j.kernel.internal.layout.PairKey;
import io.backpack4j.kernel.internal.layout.PartialKey;
import io.backpack4j.kernel.internal.layout.PassLayout;
import io.backpack4j.kernel.internal.layout.SiteRequest;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.extension.NodeReduction;
import io.backpack4j.spi.module.MergeRule;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/** Which requests have results per sample, and whether they go with a session's options. */
final class PerSampleRequests {

    private PerSampleRequests() {}

    /** The requests that have any. */
    static Set<Request<?>> of(PassLayout layout) {
        Set<Request<?>> perSample = new LinkedHashSet<>();
        rules(layout).forEach((request, rules) -> {
            if (rules.stream().anyMatch(MergeRule::isPerSample)) {
                perSample.add(request);
            }
        });
        return perSample;
    }

    private static Map<Request<?>, Set<MergeRule>> rules(PassLayout layout) {
        Map<Request<?>, Set<MergeRule>> rules = new LinkedHashMap<>();
        layout.sites().stream()
                .flatMap(site -> site.requests().stream())
                .forEach(request -> rules(request)
                        .forEach(rule -> rules.computeIfAbsent(request.request(), absent -> new LinkedHashSet<>())
                                .add(rule)));
        layout.observed()
                .forEach(node -> node.wanted()
                        .forEach((request, own) -> own.values().stream()
                                .map(NodeReduction::rule)
                                .forEach(rule -> rules.computeIfAbsent(request, absent -> new LinkedHashSet<>())
                                        .add(rule))));
        return rules;
    }

    private static Stream<MergeRule> rules(SiteRequest request) {
        return Stream.of(
                        request.accumulated().values().stream().map(AccumulatorKey::rule),
                        request.partials().values().stream().map(PartialKey::rule),
                        request.allPairs().map(PairKey::rule))
                .flatMap(rules -> rules);
    }

    /** Reports what does not go with options. */
    static void report(PassLayout layout, SessionOptions options, Problems problems) {
        if (options.perSample() == PerSample.KEEP && options.ids() == SampleIds.NONE) {
            problems.add(
                    CommonProblems.INVALID_OPTION,
                    "Results per sample are kept in the order of ids, but no ids are kept. Use SampleIds.RANGES or TRACKED, or PerSample.HAND_OVER or DROP.");
        }
        if (options.perSample() == PerSample.DROP && options.outputs()) {
            problems.add(
                    CommonProblems.INVALID_OPTION,
                    "The network's outputs are results per sample, but those are dropped. Leave keepOutputs() out, or use PerSample.HAND_OVER or KEEP.");
        }
        if (options.perSample() == PerSample.KEEP) {
            return;
        }
        rules(layout).forEach((request, rules) -> {
            boolean any = rules.stream().anyMatch(MergeRule::isPerSample);
            boolean all = rules.stream().allMatch(MergeRule::isPerSample);
            String type = request.extension().type();
            if (any && options.perSample() == PerSample.DROP) {
                problems.add(
                        CommonProblems.INVALID_OPTION,
                        "%s has results per sample, but those are dropped. Leave it out, or use PerSample.HAND_OVER or KEEP."
                                .formatted(type));
            } else if (any && !(all && request.extension().resultRule().isPerSample())) {
                problems.add(
                        CommonProblems.INVALID_OPTION,
                        "%s does not say that it makes results of every sample by itself (Extension.resultRule), so that they cannot be handed over with every batch. Use PerSample.KEEP."
                                .formatted(type));
            }
        });
    }
}
