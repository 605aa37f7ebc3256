// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.Parameters;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/** The parameters and buffers that come with a model of another format. */
public final class ModelNumbers {

    private final String file;
    private final Map<String, ModelTensor> tensors = new LinkedHashMap<>();

    /**
     * Creates numbers.
     *
     * @param file where they come from, for messages
     * @param tensors with unique names
     */
    public ModelNumbers(String file, Collection<? extends ModelTensor> tensors) {
        this.file = file;
        tensors.forEach(tensor -> this.tensors.put(tensor.name(), tensor));
    }

    /** All tensors, by name. */
    public Map<String, ModelTensor> tensors() {
        return Collections.unmodifiableMap(tensors);
    }

    /** The type to compute with if nobody says: float64 if a tensor has it, else float32. */
    public DType dtype() {
        boolean wide = tensors.values().stream().anyMatch(tensor -> tensor.type() == DType.FLOAT64);
        return wide ? DType.FLOAT64 : DType.FLOAT32;
    }

    /** Reports what does not fit or is not finite. */
    void report(Map<String, ParameterSpec> specs, DType dtype, Problems problems) {
        specs.forEach((name, spec) -> problems.collect(() -> check(name, spec, dtype)));
    }

    private void check(String name, ParameterSpec spec, DType dtype) {
        ModelTensor tensor = tensors.get(name);
        if (tensor == null) {
            if (!spec.isInteger()) {
                throw new BackpackException(
                        FormatProblems.MISSING_TENSOR,
                        "File %s has no numbers for %s of shape %s."
                                .formatted(Failures.quoted(file), Failures.quoted(name), spec.shape()));
            }
            return;
        }
        if (!tensor.shape().equals(spec.shape())) {
            throw new BackpackException(
                    CommonProblems.SHAPE_MISMATCH,
                    "Parameter %s of file %s has shape %s, but the model needs %s."
                            .formatted(Failures.quoted(name), Failures.quoted(file), tensor.shape(), spec.shape()));
        }
        each(tensor, dtype, (from, values, count) -> {});
    }

    /**
     * Makes the model without its loss, with these numbers, for inputs from elsewhere.
     *
     * @param inputShapes the shapes of one sample's inputs
     * @throws BackpackException with everything that is wrong with the model, or else with the numbers
     */
    public Model loadModel(BackPack backpack, ModelDescription description, DType dtype, Shape... inputShapes) {
        Graph graph = backpack.catalog().graph(description);
        Problems problems = new Problems();
        report(backpack.parameters(graph, inputShapes), dtype, problems);
        problems.throwIfAny();
        Model model = backpack.model(graph, dtype, inputShapes);
        try {
            fill(model.parameters());
            return model;
        } catch (RuntimeException | Error e) {
            model.close();
            throw e;
        }
    }

    /** Sets all numbers of a model. Counters that the file does not have start at zero. */
    public void fill(Parameters parameters) {
        for (String name : parameters.names()) {
            ModelTensor tensor = tensors.get(name);
            if (tensor == null) {
                int elements = Math.toIntExact(parameters.spec(name).shape().elements());
                parameters.set(name, new double[elements]);
            } else {
                parameters.set(name, target -> load(tensor, target));
            }
        }
    }

    private void load(ModelTensor tensor, Tensor target) {
        each(tensor, target.dtype(), (from, values, count) -> target.write(from, values, 0, count));
    }

    /**
     * Writes all of them as safetensors, as a whole or not at all.
     *
     * @param metadata what the file says about itself
     */
    public void save(Path path, Map<String, String> metadata) {
        SafetensorsWriterBuilder builder = SafetensorsWriter.to(path);
        metadata.forEach(builder::metadata);
        tensors.values().forEach(tensor -> builder.tensor(tensor.name(), tensor.type(), tensor.shape()));
        try (SafetensorsWriter writer = builder.open()) {
            tensors.values()
                    .forEach(tensor -> each(
                            tensor,
                            tensor.type(),
                            (from, values, count) -> writer.write(tensor.name(), from, values, 0, count)));
            writer.commit();
        }
    }

    private void each(ModelTensor tensor, DType dtype, NamedTensors.RangeReader reader) {
        Shape shape = tensor.shape();
        long elements = shape.elements();
        double[] range = new double[(int) Math.min(NamedTensors.RANGE, elements)];
        for (long from = 0; from < elements; from += NamedTensors.RANGE) {
            int count = (int) Math.min(NamedTensors.RANGE, elements - from);
            tensor.read(from, range, count);
            for (int i = 0; i < count; i++) {
                double stored = dtype == DType.FLOAT32 ? (float) range[i] : range[i];
                if (!Double.isFinite(stored)) {
                    throw new BackpackException(
                            CommonProblems.NOT_FINITE,
                            "Parameter %s of file %s is %s at position %s, but must be a finite number in %s."
                                    .formatted(
                                            Failures.quoted(tensor.name()),
                                            Failures.quoted(file),
                                            range[i],
                                            NamedTensors.position(shape, from + i),
                                            dtype));
                }
            }
            reader.accept(from, range, count);
        }
    }
}
