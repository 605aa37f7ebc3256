// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.inspect;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Layer;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.Problem;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Which extensions work with which layers of a model, each with its options' defaults and alone.
 *
 * @param refusals by extension: empty if it works for all parameters together, else the reason
 * @param layers by extension that does not work for all together: the layers whose parameters it works for, each asked
 *     for on its own
 */
record Quantities(Map<String, Optional<Problem>> refusals, Map<String, List<String>> layers) {

    static Quantities of(BackPack backpack, InspectedModel inspected, PassOptions options) {
        List<Layer> trained = inspected.model().layers().stream()
                .filter(layer -> layer.tensors().stream().anyMatch(tensor -> tensor.role() == Layer.Role.TRAINED))
                .toList();
        Map<String, Optional<Problem>> refusals = new LinkedHashMap<>();
        Map<String, List<String>> layers = new LinkedHashMap<>();
        for (String type : backpack.catalog().extensionTypes()) {
            Optional<Problem> refusal = refusal(backpack, inspected, options, type, List.of());
            refusals.put(type, refusal);
            if (refusal.isPresent()) {
                List<String> possible = new ArrayList<>();
                for (Layer layer : trained) {
                    List<String> own = layer.tensors().stream()
                            .filter(tensor -> tensor.role() == Layer.Role.TRAINED)
                            .map(Layer.LayerTensor::owner)
                            .toList();
                    if (refusal(backpack, inspected, options, type, own).isEmpty()) {
                        possible.add(layer.name());
                    }
                }
                layers.put(type, possible);
            }
        }
        return new Quantities(refusals, layers);
    }

    private static Optional<Problem> refusal(
            BackPack backpack, InspectedModel inspected, PassOptions options, String type, List<String> parameters) {
        try {
            Request<?> whole = backpack.catalog().request(type, Map.of());
            Request<?> request = parameters.isEmpty() ? whole : whole.only(parameters.toArray(String[]::new));
            backpack.check(inspected.model(), inspected.batch(), List.of(request), options);
            return Optional.empty();
        } catch (BackpackException e) {
            return Optional.of(e.problems().get(0));
        }
    }
}
