// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.data;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.Shape;
import java.util.LinkedHashMap;
import java.util.Map;

/** A source whose inputs in single precision are normalised. */
public final class NormalizedSource implements DataSource {

    private final DataSource source;
    private final Normalization normalization;

    /** Closes {@code source} when it is closed. */
    public NormalizedSource(DataSource source, Normalization normalization) {
        this.source = source;
        this.normalization = normalization;
    }

    @Override
    public long samples() {
        return source.samples();
    }

    @Override
    public BatchData read(long[] numbers, long epoch) {
        BatchData data = source.read(numbers, epoch);
        Map<String, HostTensor> inputs = new LinkedHashMap<>();
        data.inputs().forEach((name, tensor) -> inputs.put(name, normalized(name, tensor)));
        return new BatchData(inputs, data.targets(), data.ids());
    }

    private HostTensor normalized(String name, HostTensor tensor) {
        if (!(tensor instanceof HostTensor.Floats floats)) {
            return tensor;
        }
        Shape shape = tensor.shape();
        int channels = normalization.mean().size();
        if (channels > 1 && (shape.rank() < 2 || shape.size(1) != channels)) {
            throw new BackpackException(
                    DataProblems.BAD_DATA,
                    "Input '%s' has shape %s, but there are means of %d channels. Give one mean, or one for each channel."
                            .formatted(name, shape, channels));
        }
        int positions = shape.rank() < 2 ? 1 : (int) shape.elements(2, shape.rank());
        normalization.apply(floats, channels, positions);
        return floats;
    }

    @Override
    public void close() {
        source.close();
    }
}
