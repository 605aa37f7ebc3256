// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.files;

import io.backpack4j.formats.Safetensors;
import io.backpack4j.formats.SafetensorsType;
import io.backpack4j.formats.TensorInfo;
import io.backpack4j.kernel.Parameters;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.BatchData;
import io.backpack4j.training.data.DataProblems;
import io.backpack4j.training.data.DataSource;
import io.backpack4j.training.data.HostTensor;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Inputs and {@code target} of a safetensors file, read sample by sample from where they lie: the file may be larger
 * than memory.
 */
public final class SafetensorsSource implements DataSource {

    private static final String TARGET = "target";

    private final Path path;
    private final Safetensors file;
    private final List<String> inputs;
    private final long samples;

    /**
     * Opens a file.
     *
     * @param inputs the model's names for its inputs
     * @throws BackpackException if it has no such tensors, or they have different numbers of samples
     */
    public SafetensorsSource(Path path, List<String> inputs) {
        this.path = path;
        this.inputs = List.copyOf(inputs);
        this.file = Safetensors.open(path);
        try {
            this.samples = samplesOf(TARGET);
            for (String input : inputs) {
                if (samplesOf(input) != samples) {
                    throw new BackpackException(
                            DataProblems.BAD_DATA,
                            "File '%s' has %d samples of '%s', but %d of '%s'."
                                    .formatted(path, samplesOf(input), input, samples, TARGET));
                }
            }
        } catch (RuntimeException | Error e) {
            file.close();
            throw e;
        }
    }

    private long samplesOf(String name) {
        TensorInfo tensor = file.tensor(name);
        if (tensor.shape().rank() == 0) {
            throw new BackpackException(
                    DataProblems.BAD_DATA,
                    "Tensor '%s' of file '%s' is a single number, but has to have one row per sample."
                            .formatted(name, path));
        }
        return tensor.shape().size(0);
    }

    /** The shape of a sample's input. */
    public Shape sample(String input) {
        return file.tensor(input).shape().dropFirst(1);
    }

    /** Whether inputs or parameters have double precision. */
    boolean isWide() {
        return file.tensors().values().stream()
                .anyMatch(tensor -> tensor.type().isFloating() && type(tensor) == DType.FLOAT64);
    }

    void fill(Parameters parameters) {
        InitialParameters.fill(path, file, parameters);
    }

    @Override
    public long samples() {
        return samples;
    }

    @Override
    public BatchData read(long[] numbers, long epoch) {
        Map<String, HostTensor> read = new LinkedHashMap<>();
        inputs.forEach(input -> read.put(input, rows(input, numbers)));
        return new BatchData(read, rows(TARGET, numbers), numbers.clone());
    }

    private HostTensor rows(String name, long[] numbers) {
        TensorInfo tensor = file.tensor(name);
        Shape shape = tensor.shape().with(0, numbers.length);
        int size = (int) shape.elements(1, shape.rank());
        HostTensor rows = HostTensor.allocate(type(tensor), shape);
        for (int from = 0; from < numbers.length; ) {
            int count = 1;
            while (from + count < numbers.length && numbers[from + count] == numbers[from] + count) {
                count++;
            }
            read(name, numbers[from] * size, rows, from * size, count * size);
            from += count;
        }
        return rows;
    }

    private void read(String name, long from, HostTensor rows, int offset, int count) {
        if (rows instanceof HostTensor.Floats floats) {
            file.read(name, from, floats.values(), offset, count);
        } else if (rows instanceof HostTensor.Doubles doubles) {
            file.read(name, from, doubles.values(), offset, count);
        } else if (rows instanceof HostTensor.Longs longs) {
            file.read(name, from, longs.values(), offset, count);
        }
    }

    static DType type(TensorInfo tensor) {
        if (!tensor.type().isFloating()) {
            return DType.INT64;
        }
        return tensor.type() == SafetensorsType.F64 ? DType.FLOAT64 : DType.FLOAT32;
    }

    @Override
    public void close() {
        file.close();
    }
}
