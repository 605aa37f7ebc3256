// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Parameters;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Tensor;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The numbers of a model as a safetensors file: every parameter and buffer under its full name, such as {@code
 * 0.weight}, as in a state dict of PyTorch. Numbers are read and written by ranges, so that none are in memory twice.
 *
 * <pre>{@code
 * ParameterFile.save(Path.of("trained.safetensors"), model);
 * ParameterFile.load(Path.of("trained.safetensors"), another);
 * }</pre>
 */
public final class ParameterFile {

    private ParameterFile() {}

    /**
     * Writes all parameters and buffers in the model's type, as a whole or not at all. What stands there is replaced.
     *
     * @throws BackpackException if the file cannot be written
     */
    public static void save(Path path, Model model) {
        Parameters parameters = model.parameters();
        SafetensorsWriterBuilder builder = SafetensorsWriter.to(path);
        for (String name : parameters.names()) {
            Tensor tensor = parameters.get(name);
            builder.tensor(name, tensor.dtype(), tensor.shape());
        }
        try (SafetensorsWriter writer = builder.open()) {
            parameters.names().forEach(name -> write(writer, name, parameters.get(name)));
            writer.commit();
        }
    }

    private static void write(SafetensorsWriter writer, String name, Tensor tensor) {
        long elements = tensor.shape().elements();
        int length = (int) Math.min(NamedTensors.RANGE, elements);
        double[] range = new double[length];
        long[] integers = new long[tensor.dtype() == DType.INT64 ? length : 0];
        for (long from = 0; from < elements; from += length) {
            int count = (int) Math.min(length, elements - from);
            if (tensor.dtype() == DType.INT64) {
                tensor.read(from, integers, 0, count);
                writer.write(name, from, integers, 0, count);
            } else {
                tensor.read(from, range, 0, count);
                writer.write(name, from, range, 0, count);
            }
        }
    }

    /**
     * Reads all parameters and buffers. The file may be of another type, be a data file, of which what else it holds is
     * not read, or be the index of a checkpoint in several files. Names may be those of a state dict: see {@link
     * StateDictNames}. A tied parameter may stand beside its owner, with the same numbers.
     *
     * @param model changed only if nothing is wrong
     * @throws BackpackException with every tensor that is missing, does not fit, is not finite, or is not known
     */
    public static void load(Path path, Model model) {
        try (Safetensors opened = Safetensors.open(path)) {
            Parameters parameters = model.parameters();
            Safetensors file = StateDictNames.of(model.graph()).matched(opened);
            Map<String, ParameterSpec> specs = new LinkedHashMap<>();
            parameters.names().forEach(name -> specs.put(name, parameters.spec(name)));
            ParameterTensors tensors = new ParameterTensors(path.toString(), file);
            Problems problems = new Problems();
            tensors.report(model.graph().inputs(), TensorNames.ties(model.graph()), specs, model.dtype(), problems);
            problems.throwIfAny();
            tensors.fill(parameters);
        }
    }
}
