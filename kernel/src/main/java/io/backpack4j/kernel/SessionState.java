// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel;

import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * State of a session, as data: for files, and for sessions elsewhere.
 *
 * @param properties what another session must have in common to take it over: model, parameters, requests and more, by
 *     name
 * @param sampleIds the ids of the samples, in the order in which they were added
 * @param tensors the numbers by name
 */
public record SessionState(Map<String, String> properties, long[] sampleIds, Map<String, Numbers> tensors) {

    public SessionState {
        properties = Collections.unmodifiableMap(new LinkedHashMap<>(properties));
        sampleIds = sampleIds.clone();
        tensors = Collections.unmodifiableMap(new LinkedHashMap<>(tensors));
    }

    /** The ids of the samples. */
    @Override
    public long[] sampleIds() {
        return sampleIds.clone();
    }

    /** A tensor that can be read by ranges, row-major. */
    public interface Numbers {

        /** The type of the elements. */
        DType dtype();

        /** The shape. */
        Shape shape();

        /** Reads {@code count} elements from position {@code from} of the row-major order on. */
        void read(long from, double[] target, int offset, int count);

        /** Reads elements of {@link DType#INT64} as they are; see {@link #read}. */
        default void readIntegers(long from, long[] target, int offset, int count) {
            double[] values = new double[count];
            read(from, values, 0, count);
            for (int i = 0; i < count; i++) {
                target[offset + i] = (long) values[i];
            }
        }
    }
}
