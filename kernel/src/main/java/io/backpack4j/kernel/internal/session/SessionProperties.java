// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.session;

import io.backpack4j.kernel.Frozen;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.SessionOptions;
import io.backpack4j.kernel.internal.graph.BoundGraph;
import io.backpack4j.kernel.internal.graph.BoundNode;
import io.backpack4j.kernel.internal.layout.PassLayout;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.backend.Precision;
import io.backpack4j.spi.module.ParameterSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Properties that sessions must have in common to be merged, as text: a line per part, so that a message can say which
 * differ.
 */
final class SessionProperties {

    private static final int SHOWN_LINES = 4;

    private SessionProperties() {}

    static Map<String, String> of(Model model, PassLayout layout, SessionOptions options, ModelNumbers numbers) {
        Map<String, String> properties = new LinkedHashMap<>();
        properties.put("model", structure(model, layout.graph()));
        properties.put("loss", described(model.loss()));
        properties.put("dtype", model.dtype().name());
        properties.put("parameters", numbers.checksum());
        properties.put("requests", lines(requests(layout, options)));
        properties.put("seed", String.valueOf(options.seed()));
        properties.put("outputs", options.outputs() ? "kept" : "not kept");
        properties.put("ids", options.ids().name());
        properties.put("per_sample", options.perSample().name());
        return properties;
    }

    /** Describes the requests that are answered. */
    private static Set<String> requests(PassLayout layout, SessionOptions options) {
        Set<String> described = new TreeSet<>();
        Precision precision = options.pass().precision();
        layout.sites()
                .forEach(site -> site.requests().forEach(request -> {
                    boolean rounded = precision != Precision.FULL && request.isSampled();
                    described.add(described(request.request()) + (rounded ? " in precision " + precision : ""));
                }));
        layout.observed().forEach(node -> node.wanted().keySet().forEach(request -> described.add(described(request))));
        return described;
    }

    private static String described(Request<?> request) {
        return "%s = %s for %s".formatted(request.name(), described(request.extension()), request.parameters());
    }

    /** @param bound the model's nodes, and parts of compositions, in the modes of the passes */
    private static String structure(Model model, BoundGraph bound) {
        List<String> lines = new ArrayList<>();
        for (BoundNode boundNode : bound.nodes()) {
            Graph.Node node = boundNode.node();
            Frozen frozen = node.frozen();
            String trained = frozen.all() ? "frozen" : "frozen " + new TreeSet<>(frozen.names());
            lines.add("node '%s': %s of %s, tied %s, %s"
                    .formatted(
                            node.name(), described(node.module()), node.inputs(), new TreeMap<>(node.ties()), trained));
        }
        for (String name : model.parameters().names()) {
            ParameterSpec spec = model.parameters().spec(name);
            if (!spec.isInteger()) {
                lines.add("parameter '%s': %s".formatted(name, spec.shape()));
            }
        }
        lines.add("inputs %s, output '%s'"
                .formatted(bound.graph().inputs(), bound.graph().output()));
        return lines(lines);
    }

    /** Description that a plugin gives of itself, without the addresses of objects that say nothing. */
    private static String described(Object description) {
        return description.toString().replaceAll("@[0-9a-f]+", "");
    }

    private static String lines(Iterable<String> lines) {
        return String.join("\n", lines);
    }

    /** Reports every property in which a state differs from a session. */
    static void compare(Map<String, String> own, Map<String, String> other, Problems problems) {
        own.forEach((name, value) -> {
            String otherValue = other.get(name);
            if (otherValue == null) {
                problems.add(
                        KernelProblems.OTHER_SESSION,
                        "The session's state does not say its %s: it is not the state of a session of this version."
                                .formatted(name));
            } else if (!otherValue.equals(value)) {
                problems.add(
                        KernelProblems.OTHER_SESSION,
                        "The session's state is of other %s. Here: %s. There: %s."
                                .formatted(name, difference(value, otherValue), difference(otherValue, value)));
            }
        });
    }

    /** The lines that the other text does not have. */
    private static String difference(String text, String other) {
        Set<String> lines = new LinkedHashSet<>(text.lines().toList());
        other.lines().forEach(lines::remove);
        if (lines.isEmpty()) {
            return text.isEmpty() ? "nothing" : "nothing more";
        }
        String shown = String.join("; ", lines.stream().limit(SHOWN_LINES).toList());
        return lines.size() > SHOWN_LINES ? shown + "; …" : shown;
    }
}
