// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.files;

import io.backpack4j.training.data.BatchData;
import io.backpack4j.training.data.DataSource;
import java.util.Map;

/** A source of one input under the name that a model has for it. */
final class RenamedSource implements DataSource {

    private final DataSource source;
    private final String name;

    /** Closes {@code source} when it is closed. */
    RenamedSource(DataSource source, String name) {
        this.source = source;
        this.name = name;
    }

    @Override
    public long samples() {
        return source.samples();
    }

    @Override
    public BatchData read(long[] numbers, long epoch) {
        BatchData data = source.read(numbers, epoch);
        return new BatchData(Map.of(name, data.inputs().values().iterator().next()), data.targets(), data.ids());
    }

    @Override
    public void close() {
        source.close();
    }
}
