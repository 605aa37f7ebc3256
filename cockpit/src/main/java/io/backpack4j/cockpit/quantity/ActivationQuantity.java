// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import io.backpack4j.kernel.Patterns;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * A share of the units of activations, or of their outputs. A unit is an element of a sample's output. Outputs that are
 * not numbers count as neither.
 *
 * @param counts what is counted
 * @param share which share is the value
 * @param nodes patterns of the activations' names
 */
record ActivationQuantity(ActivationCounts counts, Share share, List<String> nodes) implements NodeQuantity {

    private static final List<String> ALL = List.of("*");

    /** What the value is; the other one stands in the details. */
    enum Share {
        /** Of units that meet the condition for every sample of the batch. */
        OF_UNITS,
        /** Of outputs, unit by unit and sample by sample, that meet the condition. */
        OF_OUTPUTS
    }

    /** The share of units that are zero for every sample of the batch. */
    static ActivationQuantity deadUnits(List<String> nodes) {
        return new ActivationQuantity(
                new ActivationCounts(new UnitCondition.Zero()), Share.OF_UNITS, nodes.isEmpty() ? ALL : nodes);
    }

    /** The share of outputs that are near a bound of their activation. */
    static ActivationQuantity saturation(double threshold, List<String> nodes) {
        return new ActivationQuantity(
                new ActivationCounts(new UnitCondition.Saturated(threshold)),
                Share.OF_OUTPUTS,
                nodes.isEmpty() ? ALL : nodes);
    }

    @Override
    public List<Extension<?>> extensions(long step, boolean due) {
        return due ? List.of(counts) : List.of();
    }

    @Override
    public List<String> nodes(Observation step) {
        return step.network(counts).keySet().stream()
                .filter(name -> nodes.stream().anyMatch(pattern -> Patterns.matches(pattern, name)))
                .toList();
    }

    @Override
    public Measurement compute(Observation step, List<String> observed) {
        if (observed.isEmpty()) {
            return Measurement.missing("no activation has a name like " + String.join(", ", nodes));
        }
        Map<String, Tensor> all = step.network(counts);
        long samples = step.samples();
        long units = 0;
        long whole = 0;
        double met = 0;
        for (String node : observed) {
            for (double own : Objects.requireNonNull(all.get(node)).toDoubleArray()) {
                units++;
                whole += own == samples ? 1 : 0;
                met += own;
            }
        }
        double ofUnits = (double) whole / units;
        double ofOutputs = met / units / samples;
        Map<String, Object> details = new LinkedHashMap<>();
        details.put("units", units);
        if (share == Share.OF_UNITS) {
            details.put("dead", whole);
            details.put("zeros", Value.of(ofOutputs).toJson());
        } else {
            details.put("saturated_units", whole);
        }
        return new Measurement(Value.of(share == Share.OF_UNITS ? ofUnits : ofOutputs), details);
    }
}
