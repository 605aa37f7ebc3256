// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.plan;

import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.Patterns;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.internal.graph.BoundGraph;
import io.backpack4j.kernel.internal.layout.NodeLayout;
import io.backpack4j.kernel.internal.layout.SiteLayout;
import io.backpack4j.spi.ProblemId;
import io.backpack4j.spi.Problems;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Finds requests that would be answered by nothing: an extension that computes nothing, or a pattern that picks
 * nothing, is a mistake. One that observes nodes is answered.
 */
final class ParameterChecks {

    private static final ProblemId ID = KernelProblems.NO_PARAMETERS;
    private static final int MOST_NAMES = 20;

    private ParameterChecks() {}

    static void report(BoundGraph graph, List<Request<?>> asked, List<SiteLayout> sites, Problems problems) {
        List<Request<?>> requests = asked.stream()
                .filter(request -> graph.writtenNodes().stream().noneMatch(node -> NodeLayout.observes(request, node)))
                .toList();
        if (requests.isEmpty()) {
            return;
        }
        if (sites.isEmpty()) {
            problems.add(ID, nothingTrained(graph, requests));
            return;
        }
        for (Request<?> request : requests) {
            List<String> idle = idlePatterns(request, sites);
            if (!idle.isEmpty() || request.parameters().isEmpty()) {
                problems.add(ID, unmatched(graph, request, idle, sites));
            } else if (problems.isEmpty() && sites.stream().noneMatch(site -> isAnswered(site, request))) {
                problems.add(
                        ID,
                        "%s computes nothing for the parameters it is asked for: %s. Ask for others, or leave it out."
                                .formatted(request.extension().type(), wanted(request, sites)));
            }
        }
    }

    private static String nothingTrained(BoundGraph graph, List<Request<?>> requests) {
        String types = requests.stream()
                .map(request -> request.extension().type())
                .distinct()
                .collect(Collectors.joining(", "));
        Set<String> frozen = frozen(graph);
        return frozen.isEmpty()
                ? "The model has no parameters to train, so that there is nothing to compute for %s. Ask for no extensions to have the loss and the output."
                        .formatted(types)
                : "No parameter of the model is trained, so that there is nothing to compute for %s. Frozen by requires_grad: %s. Train one, or ask for no extensions to have the loss and the output."
                        .formatted(types, listed(frozen));
    }

    private static String unmatched(BoundGraph graph, Request<?> request, List<String> idle, List<SiteLayout> sites) {
        Set<String> frozen = frozen(graph);
        frozen.removeIf(name -> idle.stream().noneMatch(pattern -> Patterns.matches(pattern, name)));
        String reason = frozen.isEmpty() ? "" : " Frozen by requires_grad: " + listed(frozen) + ".";
        return "%s is asked for parameters %s, but no trained parameter matches.%s Parameters: %s."
                .formatted(request.extension().type(), idle, reason, listed(names(sites)));
    }

    /** Finds a request's patterns that match no trained parameter. */
    private static List<String> idlePatterns(Request<?> request, List<SiteLayout> sites) {
        return request.parameters().stream()
                .filter(pattern -> sites.stream().noneMatch(site -> Patterns.matches(pattern, site.parameter())))
                .toList();
    }

    private static boolean isAnswered(SiteLayout site, Request<?> request) {
        return site.requests().stream().anyMatch(declared -> declared.request().equals(request));
    }

    private static String wanted(Request<?> request, List<SiteLayout> sites) {
        return listed(names(sites).stream().filter(request::wants).toList());
    }

    private static List<String> names(List<SiteLayout> sites) {
        return sites.stream().map(SiteLayout::parameter).toList();
    }

    /** Parameters that would be trained if nobody had frozen them, as opposed to buffers. */
    private static Set<String> frozen(BoundGraph graph) {
        Set<String> frozen = new TreeSet<>();
        graph.parameters().forEach((name, spec) -> {
            if (spec.trainable() && !graph.uses().containsKey(name)) {
                frozen.add(name);
            }
        });
        return frozen;
    }

    private static String listed(Iterable<String> names) {
        List<String> all = new ArrayList<>();
        names.forEach(all::add);
        int others = all.size() - MOST_NAMES;
        return others > 0 ? all.subList(0, MOST_NAMES) + " and %d others".formatted(others) : all.toString();
    }
}
