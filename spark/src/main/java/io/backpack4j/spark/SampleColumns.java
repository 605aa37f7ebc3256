// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spark;

import io.backpack4j.kernel.Graph;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Which columns of a table are a sample's.
 *
 * <p>An input or the target is one column with all its numbers, row-major, an {@code array<float>}, {@code
 * array<double>}, {@code array<bigint>}, … or a vector of {@code ml.linalg}; or several columns with a number each, in
 * the order given. Arrays of whole numbers are an input of integers, such as positions in an embedding's table; single
 * columns are real numbers, whatever their type.
 *
 * <p>The target is what the loss takes: class indices, also if they stand in a column of real numbers, as Spark's own
 * library has labels; or real numbers in the shape of the output.
 *
 * <pre>{@code
 * SampleColumns columns = SampleColumns.of("features").target("label").id("id");
 * }</pre>
 *
 * @param inputs the columns of every input of the model, by its name
 * @param target the columns of the target
 * @param id the column of ids, of whole numbers, which are the ids, or of text, whose ids are what Spark's {@code
 *     xxhash64} makes of it: the 64-bit xxHash of the UTF-8 bytes with seed 42
 */
public record SampleColumns(Map<String, List<String>> inputs, List<String> target, Optional<String> id) {

    /** Copies the lists. */
    public SampleColumns {
        Map<String, List<String>> copied = new LinkedHashMap<>();
        inputs.forEach((name, columns) -> copied.put(name, List.copyOf(columns)));
        inputs = Collections.unmodifiableMap(copied);
        target = List.copyOf(target);
    }

    /** The columns of a model's only input. */
    public static SampleColumns of(String... features) {
        return new SampleColumns(Map.of(Graph.INPUT, List.of(features)), List.of(), Optional.empty());
    }

    /** With the columns of another input. */
    public SampleColumns input(String name, String... columns) {
        Map<String, List<String>> all = new LinkedHashMap<>(inputs);
        all.put(name, List.of(columns));
        return new SampleColumns(all, target, id);
    }

    /** With the columns of the target. */
    public SampleColumns target(String... columns) {
        return new SampleColumns(inputs, List.of(columns), id);
    }

    /** With the column of ids. */
    public SampleColumns id(String column) {
        return new SampleColumns(inputs, target, Optional.of(column));
    }
}
