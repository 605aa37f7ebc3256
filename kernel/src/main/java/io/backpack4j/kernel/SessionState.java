// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel;

import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * State of a session, as data: for files and streams, and for sessions elsewhere. Immutable, but for what its numbers
 * read from.
 *
 * @param properties what another session must have in common to take it over: model, parameters, requests and more, by
 *     name
 * @param tensors the numbers by name, the ids of the samples among them
 */
public record SessionState(Map<String, String> properties, Map<String, Numbers> tensors) {

    public SessionState {
        properties = Collections.unmodifiableMap(new LinkedHashMap<>(properties));
        tensors = Collections.unmodifiableMap(new LinkedHashMap<>(tensors));
    }

    /**
     * Number of bytes that the numbers take, in a file or a stream, too; names and properties stand beside them there.
     */
    public long bytes() {
        return tensors.values().stream()
                .mapToLong(
                        numbers -> numbers.shape().elements() * numbers.dtype().bytes())
                .sum();
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
