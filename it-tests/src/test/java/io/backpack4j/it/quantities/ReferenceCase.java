// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.backpack4j.formats.Safetensors;
import io.backpack4j.formats.SafetensorsType;
import io.backpack4j.formats.TensorInfo;
import io.backpack4j.it.oracle.Numbers;
import io.backpack4j.it.oracle.Problem;
import io.backpack4j.kernel.Frozen;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.LossDescription;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.NodeDescription;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A reference file.
 *
 * @param name the file's name
 * @param problem the model with its numbers
 * @param vectors the vectors of products, by parameter
 * @param extensions the extensions whose results it has, as a command line names them; none in files of other libraries
 * @param results the results by name
 * @param exactness how exact they are
 */
record ReferenceCase(
        String name,
        Problem problem,
        Map<String, Numbers> vectors,
        List<String> extensions,
        Map<String, double[]> results,
        Setting exactness) {

    private static final String VECTORS = "vec/";

    private static final ObjectMapper JSON = new ObjectMapper();

    static ReferenceCase read(Path path) {
        try (Safetensors file = Safetensors.open(path)) {
            ModelDescription model = model(file.metadata().get("model"));
            Map<String, Numbers> inputs = new LinkedHashMap<>();
            model.inputs().forEach(name -> inputs.put(name, numbers(file, name)));
            Map<String, Numbers> parameters = new LinkedHashMap<>();
            Map<String, Numbers> vectors = new TreeMap<>();
            Map<String, double[]> results = new TreeMap<>();
            for (TensorInfo tensor : file.tensors().values()) {
                String name = tensor.name();
                boolean isResult = name.contains("/")
                        || List.of("loss", "loss_batch", "output").contains(name);
                if (name.startsWith(VECTORS)) {
                    vectors.put(name.substring(VECTORS.length()), numbers(file, name));
                } else if (isResult) {
                    results.put(name, numbers(file, name).values());
                } else if (!inputs.containsKey(name) && !name.equals("target")) {
                    parameters.put(name, numbers(file, name));
                }
            }
            Problem problem = new Problem(model, inputs, numbers(file, "target"), parameters);
            List<String> extensions =
                    JSON.readValue(file.metadata().getOrDefault("extensions", "[]"), new TypeReference<>() {});
            Setting exactness = "float64".equals(file.metadata().get("dtype")) ? Setting.FLOAT64 : Setting.FLOAT32;
            return new ReferenceCase(path.getFileName().toString(), problem, vectors, extensions, results, exactness);
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Numbers numbers(Safetensors file, String name) {
        TensorInfo tensor = file.tensor(name);
        int[] shape = Arrays.stream(tensor.shape().toArray())
                .mapToInt(Math::toIntExact)
                .toArray();
        double[] values = tensor.type() == SafetensorsType.I64
                ? Arrays.stream(file.readLongs(name)).asDoubleStream().toArray()
                : file.readDoubles(name);
        return new Numbers(shape, values);
    }

    private static ModelDescription model(String json) throws JsonProcessingException {
        Map<String, Object> model = JSON.readValue(json, new TypeReference<>() {});
        List<Map<String, Object>> nodes = JSON.convertValue(model.get("nodes"), new TypeReference<>() {});
        Map<String, Object> loss = JSON.convertValue(model.get("loss"), new TypeReference<>() {});
        List<String> inputs =
                JSON.convertValue(model.getOrDefault("inputs", List.of(Graph.INPUT)), new TypeReference<>() {});
        String lossType = String.valueOf(loss.remove("type"));
        return new ModelDescription(
                nodes.stream().map(ReferenceCase::node).toList(),
                inputs,
                Optional.of(String.valueOf(model.get("output"))),
                new LossDescription(lossType, loss));
    }

    private static NodeDescription node(Map<String, Object> json) {
        Map<String, Object> arguments = new LinkedHashMap<>(json);
        String name = String.valueOf(arguments.remove("name"));
        String type = String.valueOf(arguments.remove("type"));
        List<String> inputs = JSON.convertValue(arguments.remove("inputs"), new TypeReference<>() {});
        Object tie = arguments.remove("tie");
        Map<String, String> ties = tie == null ? Map.of() : JSON.convertValue(tie, new TypeReference<>() {});
        return new NodeDescription(name, type, arguments, inputs, Frozen.NONE, ties);
    }

    @Override
    public String toString() {
        return name;
    }
}
