// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.inspect;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.backpack4j.kernel.Cost;
import io.backpack4j.kernel.Layer;
import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** An inspection as one JSON object. */
final class InspectJson {

    private InspectJson() {}

    static String of(Inspection found) {
        Map<String, @Nullable Object> root = new LinkedHashMap<>();
        root.put("model", found.model());
        root.put("backend", found.backend());
        root.put("dtype", found.dtype());
        root.put("batch", found.samples());
        root.put("layers", layers(found));
        root.put("parameters", found.parameters());
        Map<String, Object> quantities = new LinkedHashMap<>();
        found.quantities().refusals().forEach((type, refusal) -> {
            Map<String, @Nullable Object> entry = new LinkedHashMap<>();
            entry.put("supported", refusal.isEmpty());
            refusal.ifPresent(problem -> {
                entry.put("layers", found.quantities().layers().getOrDefault(type, List.of()));
                entry.put("problem", problem.id().name());
                entry.put("reason", problem.message());
            });
            quantities.put(type, entry);
        });
        root.put("quantities", quantities);
        root.put("cost", cost(found));
        try {
            return new ObjectMapper().writeValueAsString(root);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    private static List<Object> layers(Inspection found) {
        Map<String, Double> operations = found.forwardOperations();
        List<Object> layers = new ArrayList<>();
        for (Layer layer : found.layers()) {
            Map<String, @Nullable Object> entry = new LinkedHashMap<>();
            entry.put("name", layer.name());
            entry.put("type", layer.type());
            entry.put("inputs", layer.inputs().stream().map(InspectJson::sizes).toList());
            entry.put("output", sizes(layer.output()));
            entry.put("parameters", layer.parameterElements());
            Map<String, Object> tensors = new LinkedHashMap<>();
            layer.tensors()
                    .forEach(tensor -> tensors.put(
                            tensor.name(),
                            Map.of(
                                    "owner",
                                    tensor.owner(),
                                    "shape",
                                    sizes(tensor.shape()),
                                    "role",
                                    tensor.role().name().toLowerCase(Locale.ROOT))));
            entry.put("tensors", tensors);
            entry.put("flop", operations.getOrDefault(layer.name(), 0.0));
            layers.add(entry);
        }
        return layers;
    }

    private static Map<String, @Nullable Object> cost(Inspection found) {
        Cost cost = found.cost();
        Map<String, @Nullable Object> entry = new LinkedHashMap<>();
        entry.put("extensions", found.extensions());
        entry.put("seconds", cost.seconds());
        entry.put("flop", cost.operations());
        entry.put("peak_bytes", cost.peakBytes());
        entry.put("rehearsed", cost.isRehearsed());
        entry.put("result_bytes", found.resultBytes());
        entry.put("model_bytes", found.modelBytes());
        entry.put("batch_bytes", found.batchBytes());
        entry.put("chunk", Math.min(found.plan().chunkSamples(), found.samples()));
        entry.put("flop_per_second", cost.machine().operationsPerSecond());
        entry.put("bytes_per_second", cost.machine().bytesPerSecond());
        return entry;
    }

    private static List<Long> sizes(Shape shape) {
        List<Long> sizes = new ArrayList<>();
        for (long size : shape.toArray()) {
            sizes.add(size);
        }
        return sizes;
    }
}
