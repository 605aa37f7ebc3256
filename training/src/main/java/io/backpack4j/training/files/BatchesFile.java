// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.files;

import io.backpack4j.formats.Safetensors;
import io.backpack4j.formats.TensorInfo;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Parameters;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.BatchData;
import io.backpack4j.training.data.Batches;
import io.backpack4j.training.data.DataProblems;
import io.backpack4j.training.data.HostTensor;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Batches that a safetensors file holds, taken exactly as they are and in this order: {@code step<k>/<input>} and
 * {@code step<k>/target} for k = 0, 1, …. Parameters may stand beside them. Samples are numbered through.
 */
public final class BatchesFile implements Batches {

    private static final String TARGET = "target";

    private final Path path;
    private final Safetensors file;
    private final List<String> inputs;
    private final long[] firstIds;

    /**
     * Opens a file.
     *
     * @param inputs the model's names for its inputs
     * @throws BackpackException if a tensor is missing or does not fit the others of its batch
     */
    public BatchesFile(Path path, List<String> inputs) {
        this.path = path;
        this.inputs = inputs.isEmpty() ? List.of(Graph.INPUT) : List.copyOf(inputs);
        this.file = Safetensors.open(path);
        try {
            int count = 0;
            while (file.tensors().containsKey(name(count, TARGET))) {
                count++;
            }
            if (count == 0) {
                throw new BackpackException(
                        DataProblems.BAD_DATA,
                        "File '%s' has no tensor 'step0/target'. Batches stand there as step<k>/input and step<k>/target."
                                .formatted(path));
            }
            firstIds = new long[count + 1];
            for (int step = 0; step < count; step++) {
                firstIds[step + 1] = firstIds[step] + checkedSamples(step);
            }
        } catch (RuntimeException | Error e) {
            file.close();
            throw e;
        }
    }

    private static String name(long step, String tensor) {
        return "step" + step + "/" + tensor;
    }

    private long checkedSamples(int step) {
        Shape target = file.tensor(name(step, TARGET)).shape();
        for (String input : inputs) {
            Shape shape = file.tensor(name(step, input)).shape();
            if (shape.rank() == 0 || target.rank() == 0 || shape.size(0) != target.size(0)) {
                throw new BackpackException(
                        DataProblems.BAD_DATA,
                        "Batch %d of file '%s' has '%s' of shape %s and targets of shape %s, which are not of as many samples."
                                .formatted(step, path, input, shape, target));
            }
        }
        return target.size(0);
    }

    /** The shape of a sample's input. */
    public Shape sample(String input) {
        return file.tensor(name(0, input)).shape().dropFirst(1);
    }

    /** Whether parameters or inputs have double precision. */
    public boolean isWide() {
        return file.tensors().values().stream()
                .anyMatch(tensor -> tensor.type().isFloating() && SafetensorsSource.type(tensor) == DType.FLOAT64);
    }

    /**
     * Sets the parameters and buffers that the file has.
     *
     * @throws BackpackException if one has another shape
     */
    public void fill(Parameters parameters) {
        InitialParameters.fill(path, file, parameters);
    }

    @Override
    public long perEpoch() {
        return firstIds.length - 1L;
    }

    @Override
    public long samplesPerEpoch() {
        return firstIds[firstIds.length - 1];
    }

    @Override
    public BatchData read(long epoch, long number) {
        Map<String, HostTensor> read = new LinkedHashMap<>();
        inputs.forEach(input -> read.put(input, tensor(name(number, input))));
        long[] ids = new long[(int) (firstIds[(int) number + 1] - firstIds[(int) number])];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = firstIds[(int) number] + i;
        }
        return new BatchData(read, tensor(name(number, TARGET)), ids);
    }

    private HostTensor tensor(String name) {
        TensorInfo tensor = file.tensor(name);
        return switch (SafetensorsSource.type(tensor)) {
            case FLOAT32 -> new HostTensor.Floats(tensor.shape(), file.readFloats(name));
            case FLOAT64 -> new HostTensor.Doubles(tensor.shape(), file.readDoubles(name));
            case INT64 -> new HostTensor.Longs(tensor.shape(), file.readLongs(name));
        };
    }

    @Override
    public void close() {
        file.close();
    }
}
