// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.backpack4j.cockpit.log.RunLog;
import io.backpack4j.cockpit.quantity.Schedule;
import io.backpack4j.formats.ModelFile;
import io.backpack4j.formats.Safetensors;
import io.backpack4j.formats.SafetensorsType;
import io.backpack4j.formats.TensorInfo;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.BatchBuilder;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.LossDescription;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.TensorScope;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** A loop of a user's own over the batches of a reference file. */
final class ReferenceRun {

    private static final ObjectMapper JSON = new ObjectMapper();

    private final Safetensors file;

    ReferenceRun(Safetensors file) {
        this.file = file;
    }

    /** What differs from the file. */
    record Setting(DType dtype, boolean planned, String reduction) {}

    RunLog run(BackPack backpack, Path log, Setting setting) {
        ModelDescription read = ModelFile.parse(metadata("model"), "model");
        Map<String, Object> loss = new LinkedHashMap<>(read.loss().arguments());
        loss.put("reduction", setting.reduction());
        ModelDescription description = new ModelDescription(
                read.nodes(),
                read.inputs(),
                read.output(),
                new LossDescription(read.loss().type(), loss));
        TensorInfo input = file.tensor("step0/input");
        Map<String, Object> options = object("optimizer");
        try (Model model = backpack.model(
                description,
                setting.dtype(),
                input.shape().slice(1, input.shape().rank()))) {
            for (String name : model.parameters().names()) {
                model.parameters().set(name, file.readDoubles(name));
            }
            if (setting.reduction().equals("sum")) {
                // Of a mean the gradient is divided by the number of terms.
                Shape target = file.tensor("step0/target").shape();
                options.put("lr", ((Number) options.get("lr")).doubleValue() / target.elements());
            }
            Optimizers optimizer = new Optimizers(options);
            Cockpit.Builder builder = Cockpit.builder(backpack, model)
                    .track(Schedule.parse(call(object("schedule"))))
                    .log(log);
            quantities(setting.dtype()).values().forEach(builder::quantities);
            int steps = Integer.parseInt(metadata("steps"));
            try (Cockpit cockpit = builder.open()) {
                for (int step = 0; step < steps; step++) {
                    step(backpack, model, cockpit, optimizer, step, setting);
                }
            }
        }
        return Cockpit.load(log);
    }

    private void step(
            BackPack backpack, Model model, Cockpit cockpit, Optimizers optimizer, int step, Setting setting) {
        try (Batch batch = batch(backpack, step, setting.dtype());
                TensorScope scope = backpack.backend().openScope()) {
            PlannedUpdate planned =
                    setting.planned() ? optimizer.planned(backpack.backend(), scope, model) : PlannedUpdate.UNKNOWN;
            StepRequest request = cockpit.request(step, batch, planned);
            try (Results results = request.run(backpack, model, batch)) {
                cockpit.track(step, results);
                optimizer.step(model, results);
                cockpit.stepped(step);
            }
        }
    }

    private Batch batch(BackPack backpack, int step, DType dtype) {
        String input = "step%d/input".formatted(step);
        String target = "step%d/target".formatted(step);
        BatchBuilder builder =
                backpack.batch(dtype).input(Graph.INPUT, file.tensor(input).shape(), file.readDoubles(input));
        Shape shape = file.tensor(target).shape();
        return (file.tensor(target).type() == SafetensorsType.I64
                        ? builder.targets(shape, file.readLongs(target))
                        : builder.targets(shape, file.readDoubles(target)))
                .build();
    }

    /**
     * The labels of the file with expressions of this library.
     *
     * @param dtype of the run: in single precision no residual falls to 1e-12, and a search for it would never end
     */
    Map<String, String> quantities(DType dtype) {
        Map<String, String> quantities = new LinkedHashMap<>();
        for (Map<String, Object> each : list("quantities")) {
            String label = String.valueOf(each.get("label"));
            Map<String, Object> options = new LinkedHashMap<>(map(each.get("options")));
            List<String> written = new ArrayList<>();
            if (each.get("quantity").equals("HessMaxEV")) {
                boolean magnitude = Boolean.TRUE.equals(options.get("use_power"));
                written.add("which=" + (magnitude ? "largest_magnitude" : "largest"));
                written.add(
                        dtype == DType.FLOAT64
                                ? "tolerance=1e-12,max_products=2000"
                                : "tolerance=1e-5,max_products=200");
                options.clear();
            }
            options.forEach((name, value) -> written.add(name + "=" + text(value)));
            if (each.get("schedule") != null) {
                written.add("schedule=" + call(map(each.get("schedule"))));
            }
            written.add("as=" + label);
            quantities.put(label, each.get("quantity") + "(" + String.join(",", written) + ")");
        }
        return quantities;
    }

    private static String text(Object value) {
        if (value == null) {
            return "none";
        }
        if (value instanceof List<?> list) {
            return list.stream().map(ReferenceRun::text).collect(Collectors.joining(",", "[", "]"));
        }
        return value instanceof Map<?, ?> ? call(map(value)) : value.toString();
    }

    private static String call(Map<String, Object> call) {
        return call.entrySet().stream()
                .filter(entry -> !entry.getKey().equals("type"))
                .map(entry -> entry.getKey() + "=" + text(entry.getValue()))
                .collect(Collectors.joining(",", call.get("type") + "(", ")"));
    }

    List<String> strings(String key) {
        return read(key, new TypeReference<>() {});
    }

    private List<Map<String, Object>> list(String key) {
        return read(key, new TypeReference<>() {});
    }

    private Map<String, Object> object(String key) {
        return read(key, new TypeReference<>() {});
    }

    private <T> T read(String key, TypeReference<T> type) {
        try {
            return JSON.readValue(metadata(key), type);
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> map(Object value) {
        return (Map<String, Object>) value;
    }

    private String metadata(String key) {
        return file.metadata().get(key);
    }
}
