// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.data;

import io.backpack4j.spi.tensor.Shape;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A source whose inputs have another shape of as many elements, such as {@code [1, 28, 28]} instead of {@code [28,
 * 28]}.
 */
public final class ReshapedSource implements DataSource {

    private final DataSource source;
    private final Shape sample;

    /** Closes {@code source} when it is closed. */
    public ReshapedSource(DataSource source, Shape sample) {
        this.source = source;
        this.sample = sample;
    }

    @Override
    public long samples() {
        return source.samples();
    }

    @Override
    public BatchData read(long[] numbers, long epoch) {
        BatchData data = source.read(numbers, epoch);
        Map<String, HostTensor> inputs = new LinkedHashMap<>();
        Shape shape = sample.prepend(data.samples());
        data.inputs().forEach((name, tensor) -> inputs.put(name, tensor.as(shape)));
        return new BatchData(inputs, data.targets(), data.ids());
    }

    @Override
    public void close() {
        source.close();
    }
}
