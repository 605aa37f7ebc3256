// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.oracle;

import io.backpack4j.kernel.Frozen;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.NodeDescription;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A model with all its numbers.
 *
 * @param model the model
 * @param inputs its inputs by name, batch first
 * @param targets its targets, batch first; class indices as whole numbers
 * @param parameters its parameters by full name
 */
public record Problem(
        ModelDescription model, Map<String, Numbers> inputs, Numbers targets, Map<String, Numbers> parameters) {

    public Problem {
        inputs = Collections.unmodifiableMap(new LinkedHashMap<>(inputs));
        parameters = Collections.unmodifiableMap(new LinkedHashMap<>(parameters));
    }

    /** N. */
    public int samples() {
        return targets.shape()[0];
    }

    /** Some of the samples, in the given order. */
    public Problem pick(int... samples) {
        Map<String, Numbers> picked = new LinkedHashMap<>();
        inputs.forEach((name, numbers) -> picked.put(name, numbers.rows(samples)));
        return new Problem(model, picked, targets.rows(samples), parameters);
    }

    /** The same with other numbers for a parameter. */
    public Problem with(String parameter, double[] values) {
        Map<String, Numbers> changed = new LinkedHashMap<>(parameters);
        changed.put(parameter, new Numbers(parameters.get(parameter).shape(), values));
        return new Problem(model, inputs, targets, changed);
    }

    /**
     * The full names of the parameters that are trained; buffers are not. A frozen parameter is frozen for all that are
     * tied to it.
     */
    public List<String> trained() {
        return parameters.keySet().stream().filter(this::isTrained).toList();
    }

    private boolean isTrained(String parameter) {
        int dot = parameter.lastIndexOf('.');
        if (parameter.startsWith("running_", dot + 1)) {
            return false;
        }
        // a composition's parameters have names with dots
        NodeDescription owner = model.nodes().stream()
                .filter(node -> parameter.startsWith(node.name() + "."))
                .max(Comparator.comparingInt(node -> node.name().length()))
                .orElseThrow();
        Frozen frozen = owner.frozen();
        return !frozen.all()
                && !frozen.names().contains(parameter.substring(owner.name().length() + 1));
    }
}
