// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One node of a model as data, before any plugin has seen it.
 *
 * @param name unique within the model
 * @param type the module's type, such as {@code Linear}
 * @param arguments the module's arguments: numbers, words, flags, lists, nulls
 * @param inputs names of nodes and of the model's inputs; empty means the node before, or the first input for the first
 *     node
 * @param frozen which parameters are not trained
 * @param ties parameters of this node that are another node's: own name to full name, such as {@code weight} to
 *     {@code 0.weight}
 */
public record NodeDescription(
        String name,
        String type,
        Map<String, @Nullable Object> arguments,
        List<String> inputs,
        Frozen frozen,
        Map<String, String> ties) {

    public NodeDescription {
        arguments = Collections.unmodifiableMap(new LinkedHashMap<>(arguments));
        inputs = List.copyOf(inputs);
        ties = Collections.unmodifiableMap(new LinkedHashMap<>(ties));
    }

    /** A node whose parameters are all trained and its own. */
    public NodeDescription(String name, String type, Map<String, @Nullable Object> arguments, List<String> inputs) {
        this(name, type, arguments, new ArrayList<>(inputs), Frozen.NONE, Map.of());
    }
}
